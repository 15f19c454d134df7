"""The gauntlet: one story, told in the shapes that real projects have.

A shape is data (``shapes.py``); the story is a list of steps (``story.py``). ``run.py`` makes a
project of a shape, in a folder and on databases of its own, and tells it the story in a process of
its own:

    python -m tests.projects.run camel_case-bounded-sqlite
    pytest tests/projects -k camel_case
    make gauntlet
"""
