"""A driver for MariaDB that needs no compiler: PyMySQL, where mysqlclient is not installed."""

import importlib.util
import os


def use_pymysql_for_mariadb() -> None:
    """Let PyMySQL be the ``MySQLdb`` that Django imports, if DATABASE_URL asks for MariaDB.

    To be called before Django loads its database backends: in a settings module.
    """
    if not os.environ.get("DATABASE_URL", "").startswith("mysql://"):
        return
    if importlib.util.find_spec("MySQLdb"):
        return
    import pymysql

    # Django looks at the version and wants a mysqlclient's: 2.2.1 or newer since Django 6. PyMySQL
    # names the one whose interface it follows, which need not be the newest that Django asks for.
    pymysql.version_info = (2, 2, 8, "final", 1)
    pymysql.install_as_MySQLdb()
