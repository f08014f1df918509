"""From the cases that are over to files that say what they are, and several runs made one."""
