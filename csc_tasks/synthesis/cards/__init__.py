"""Case cards out of annotated conversations: a model writes, the checks of ``roleplay`` decide, people review."""
