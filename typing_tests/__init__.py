"""What users' type checkers must accept, and what they must refuse.

``make types`` checks this folder; nothing in it is run. Each ``type: ignore`` stands beside a
mistake: strict mypy reports it as unused as soon as the mistake is accepted.
"""
