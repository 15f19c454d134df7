"""What pytest loads for the tests of all three distributions."""

pytest_plugins = [
    "tests.fixtures",
    "tests.in_its_own_process",
    "tests.chromium.not_run",
    "tests.projects.report",
    "tests.sizes",
]
