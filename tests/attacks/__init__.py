"""What holds when somebody is actually trying."""
