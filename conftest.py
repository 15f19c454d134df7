"""What pytest loads for the tests of all three distributions."""

pytest_plugins = ["tests.fixtures", "tests.chromium.not_run", "tests.projects.report"]
