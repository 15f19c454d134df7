"""User models that differ from Django's in what a project may choose; shapes.py lists them."""

import uuid
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Length


class VisibleUsers(BaseUserManager[Any]):
    """As soft deletion is often done: the default manager does not know who is hidden."""

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().filter(is_hidden=False)


class EmailUser(AbstractBaseUser):
    """Named by an email address, numbered by a UUID, and hidden instead of deleted."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(unique=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    is_hidden = models.BooleanField(default=False)

    objects = VisibleUsers()
    everybody = models.Manager()

    USERNAME_FIELD = "email"

    def __str__(self) -> str:
        return self.email


class NumberUser(AbstractBaseUser):
    """Named by a number, as at a till; with no email address and no `is_active` of its own."""

    number = models.IntegerField(unique=True)

    objects = BaseUserManager()

    USERNAME_FIELD = "number"

    def __str__(self) -> str:
        return str(self.number)


class ShoutedField(models.CharField):
    """Stored in small letters, and read in capitals."""

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str | None:
        return None if value is None else value.upper()


class Person(models.Model):
    """The first of two tables."""

    code = ShoutedField(max_length=10)
    born = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return str(self.code)


class BaseUser(AbstractBaseUser):
    """What the models below have in common."""

    email = models.EmailField(unique=True)
    is_active = models.BooleanField(default=True)

    objects = BaseUserManager()

    USERNAME_FIELD = "email"

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.email


class OddUser(BaseUser, Person):
    """A person who may sign in: multi-table inheritance."""

    preferences = models.JSONField(default=dict)

    @classmethod
    def from_db(cls, db: Any, field_names: Any, values: Any, **options: Any) -> Any:
        made = super().from_db(db, field_names, values, **options)
        made.seen_by_from_db = True
        return made


class PublicIdUser(BaseUser):
    """Known to the outside by a UUID, and numbered within."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)


class EmployeeUser(BaseUser):
    """Known by the row of another table."""

    person = models.OneToOneField(Person, on_delete=models.CASCADE)


class PlainUser(BaseUser):
    """The concrete model of the next two."""


class ProxyUser(PlainUser):
    """A proxy, as projects add methods."""

    class Meta:
        proxy = True

    def shout(self) -> str:
        return self.email.upper()


class ChildUser(PlainUser):
    """A user in two tables, of which the first is of users already."""

    team = models.CharField(max_length=20, default="red")


class StatefulUser(BaseUser):
    """Reads its fields when it is made, and notices what has changed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.email_before = self.email
        self.is_new = self.pk is None


class CountedUsers(BaseUserManager[Any]):
    """Annotates, and joins a table in which a user has many rows."""

    def get_queryset(self) -> models.QuerySet[Any]:
        users = super().get_queryset().annotate(length=Length("email"))
        return users.annotate(posts_written=models.Count("posts"))


class AnnotatedUser(BaseUser):
    """With fields that only the manager knows."""

    objects = CountedUsers()


class TextKeyUser(BaseUser):
    """Keyed by a text."""

    code = models.CharField(primary_key=True, max_length=50)


class PersonKeyUser(BaseUser):
    """Keyed by a row of another table, as profiles are."""

    person = models.OneToOneField(Person, primary_key=True, on_delete=models.CASCADE)


class NicknameUser(BaseUser):
    """Called otherwise than the field says."""

    nickname = models.CharField(max_length=50)

    def get_username(self) -> str:
        return self.nickname


class BareUser(models.Model):
    """The least that Django takes for a user model."""

    email = models.EmailField(unique=True)
    secret = models.CharField(max_length=50)

    objects = BaseUserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: list[str] = []
    is_anonymous = False
    is_authenticated = True

    def __str__(self) -> str:
        return self.email

    def get_username(self) -> str:
        return self.email

    def natural_key(self) -> tuple[str]:
        return (self.email,)


class BareBackend:
    """Signs a ``BareUser`` in."""

    def authenticate(self, request: Any, email: str = "", password: str = "") -> Any:
        return BareUser.objects.filter(email=email, secret=password).first()

    def get_user(self, key: Any) -> Any:
        return BareUser.objects.filter(pk=key).first()


class TypedUser(BaseUser):
    """Each row comes as an instance of the class that it says."""

    kind = models.CharField(max_length=10, default="")

    @classmethod
    def from_db(cls, db: Any, field_names: Any, values: Any, **options: Any) -> Any:
        made = super().from_db(db, field_names, values, **options)
        if made.kind == "teacher":
            made.__class__ = Teacher
        return made


class Teacher(TypedUser):
    """One of the classes."""

    class Meta:
        proxy = True


class OwnMethodsUser(BaseUser):
    """Has a say in what every other model leaves to Django."""

    is_away = models.BooleanField(default=False)

    @property
    def is_authenticated(self) -> bool:
        return not self.is_away

    def __bool__(self) -> bool:
        return not self.is_away

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OwnMethodsUser) and self.email == other.email

    def __hash__(self) -> int:
        return hash(self.email)


class Note(models.Model):
    """Of a person, and of the concrete model: what refers to a parent of a user model."""

    of_plain = models.ForeignKey(PlainUser, on_delete=models.CASCADE, null=True)
    of_person = models.ForeignKey(Person, on_delete=models.CASCADE, null=True)

    def __str__(self) -> str:
        return str(self.pk)
