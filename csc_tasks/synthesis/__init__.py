"""Making conversations: by role-play, and by rewriting one's own calls.

May import: data, chat, roleplay, human, metrics. The engine knows no pipeline, and a pipeline no network.
"""
