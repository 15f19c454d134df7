"""The counter under the real djangorestframework-simplejwt, by one line in ``INSTALLED_APPS``.

simplejwt's classes, models, settings and imports stay. ``seams`` lists the methods that are
replaced; everything else in this package serves them. Taking the line out gives plain simplejwt
back.
"""
