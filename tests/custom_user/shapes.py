"""The user models that a project may have, by the names that the tests have for them."""

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

#: The variable that says which of them a process is for: Django takes one for each.
VARIABLE = "RATCHET_USER_SHAPE"


class Shape(NamedTuple):
    """One user model.

    Args:
        model: its name in tests/custom_user/models.py.
        fields: what a user has beside a name and a password; in a text, "%s" is the person.
        name: what ``USERNAME_FIELD`` holds; "%s" is the person.
        id_field: ``USER_ID_FIELD``, where it is not the primary key.
        of_person: whether a user has a ``Person``.
        has_password: whether it is an ``AbstractBaseUser``.
        knows_key: whether a token tells the primary key, and two users are compared by it.
        knows_class: whether every row comes as an instance of the model itself.
        asks_whether: whether ``bool`` or ``is_authenticated`` depend on the row.
        migrates: whether migrations make the tables. Django's refer to a model that has none
            itself as if it had no relations, so not where the key is one.
    """

    model: str
    fields: Mapping[str, Any] = {}
    name: str = "%s@example.com"
    id_field: str = ""
    of_person: bool = False
    has_password: bool = True
    knows_key: bool = True
    knows_class: bool = True
    asks_whether: bool = False
    migrates: bool = True

    def name_of(self, who: str) -> Any:
        """The name that a person signs in by."""
        return self.name % who if self.name else sum(who.encode())

    def fields_of(self, who: str) -> dict[str, Any]:
        """The further fields of a person."""
        return {
            name: value.replace("%s", who) if isinstance(value, str) else value
            for name, value in self.fields.items()
        }


SHAPES = {
    # Named by an email address, numbered by a UUID, with a manager that hides users.
    "email": Shape("EmailUser"),
    # Named by a number; without an is_active of its own.
    "number": Shape("NumberUser", name=""),
    # Two tables, a field that converts, a from_db of its own.
    "odd": Shape("OddUser", {"code": "abc"}),
    # USER_ID_FIELD is a UUID beside the primary key.
    "public_id": Shape("PublicIdUser", id_field="public_id", knows_key=False),
    # USER_ID_FIELD is a foreign key.
    "employee": Shape("EmployeeUser", id_field="person", of_person=True, knows_key=False),
    "proxy": Shape("ProxyUser"),
    "child": Shape("ChildUser"),
    # __init__ reads fields and keeps state.
    "stateful": Shape("StatefulUser"),
    # The default manager annotates and joins.
    "annotated": Shape("AnnotatedUser"),
    # The primary key is text, with spaces and more.
    "text_key": Shape("TextKeyUser", {"code": "%s  ü/1 "}),
    # The primary key is a relation to another model.
    "person_key": Shape("PersonKeyUser", of_person=True, migrates=False),
    # get_username() is something else than the field of that name.
    "nickname": Shape("NicknameUser", {"nickname": "The %s"}),
    # No AbstractBaseUser: no password, no is_active.
    "bare": Shape("BareUser", {"secret": "ratchet-demo-1"}, has_password=False),
    # Rows come as instances of subclasses.
    "typed": Shape("TypedUser", {"kind": "teacher"}, knows_class=False),
    # Its own ==, hash, bool and is_authenticated.
    "own_methods": Shape("OwnMethodsUser", knows_key=False, asks_whether=True),
}


def this_shape() -> str:
    """The name of the shape that this process is for; "" in the process of the whole run."""
    return os.environ.get(VARIABLE, "")
