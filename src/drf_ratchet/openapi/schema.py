"""Put descriptions into the document: drf-spectacular's ``AutoSchema``, and ours."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
)
from rest_framework.mixins import ListModelMixin
from rest_framework.serializers import BaseSerializer

#: The view's own serializer.
OWN = "own"

Schema = dict[str, Any]


@dataclass(frozen=True)
class Component:
    """A schema with a name.

    Args:
        name: under ``components/schemas``.
        schema: an OpenAPI schema object, in which components may stand for their references.
    """

    name: str
    schema: Mapping[str, Any]


@dataclass(frozen=True)
class Answer:
    """The responses of one status.

    Args:
        text: what it means.
        bodies: serializers, components or schemas, of which it is one; none for no body.
        examples: bodies by name.
        media_type: where it is not what the view's renderers say.
    """

    text: str
    bodies: Sequence[Any] = ()
    examples: Mapping[str, Any] | None = None
    media_type: str | None = None


@dataclass(frozen=True)
class Described:
    """One operation.

    Args:
        summary: a few words.
        text: what it does.
        answers: by status.
        request: a serializer, None for no body.
        example: a request body.
        parameters: of the request, and headers of the responses.
        authenticators: who is asked, where the view does not say so itself.
        together: whether it takes all of them, and not one of them.
        optional: whether it answers without any of them too; None for what the permissions say.
        is_list: whether it answers with a list.
    """

    summary: str
    text: str
    answers: Mapping[int, Answer]
    request: Any = OWN
    example: Any = None
    parameters: Sequence[OpenApiParameter] = ()
    authenticators: Sequence[type[Any]] | None = None
    together: bool = False
    optional: bool | None = None
    is_list: bool = False


Describe = Callable[["RatchetSchema"], Described]

#: By view and by method, in small letters; of a view set by action. Derived views inherit the row.
#: A function describes what depends on the view at hand: its serializer, or a setting.
Table = dict[tuple[type[Any], str], Described | Describe]

#: The rows of every module that an extension names in ``described_in``.
OPERATIONS: Table = {}

#: What serializers are called in a description; their docstrings are for who derives from them.
_texts: dict[type[Any], str] = {}
_names: dict[type[Any], str] = {}


def call(serializer: type[Any], text: str, name: str = "") -> None:
    """Describe a serializer, but not those derived from it.

    Args:
        serializer: a class.
        text: what it holds.
        name: of its component, where another of ours has the class's name.
    """
    _texts[serializer] = text
    if name:
        _names[serializer] = name


class RatchetSchema(AutoSchema):
    """Describes our operations; drf-spectacular describes all others."""

    @property
    def described(self) -> Described | None:
        """The description of the operation at hand."""
        method = getattr(self.view, "action", None) or self.method.lower()
        rows = (OPERATIONS.get((view, method)) for view in type(self.view).__mro__)
        row = next((row for row in rows if row is not None), None)
        return row(self) if callable(row) else row

    def get_operation_id(self) -> str:
        described = self.described
        if described is not None and described.is_list:
            self.method_mapping = {**self.method_mapping, "get": "list"}
        return super().get_operation_id()

    def get_summary(self) -> str | None:
        described = self.described
        summary: str | None = described.summary if described else super().get_summary()
        return summary

    def get_description(self) -> str:  # type: ignore[override]
        described = self.described
        return described.text if described else str(super().get_description())

    def get_request_serializer(self) -> Any:
        described = self.described
        if described is None or described.request is OWN:
            return super().get_request_serializer()
        return described.request

    def get_response_serializers(self) -> Any:
        described = self.described
        if described is None:
            return super().get_response_serializers()
        responses: dict[Any, OpenApiResponse] = {}
        for status, answer in sorted(described.answers.items()):
            key = (str(status), answer.media_type) if answer.media_type else str(status)
            responses[key] = self._response(answer)
        return responses

    def get_override_parameters(self) -> list[Any]:
        described = self.described
        return [*super().get_override_parameters(), *(described.parameters if described else ())]

    def get_examples(self) -> list[Any]:
        described = self.described
        given = [*super().get_examples()]
        if given or described is None or described.example is None:
            return given
        return [OpenApiExample("Example", value=described.example, request_only=True)]

    def get_serializer_name(self, serializer: Any, direction: Any) -> str:
        name: str = super().get_serializer_name(serializer, direction)
        return _names.get(type(serializer), name)

    def get_auth(self) -> list[Any]:
        described = self.described
        if described is not None and described.authenticators is not None:
            asked = [authenticator() for authenticator in described.authenticators]
            view: Any = self.view  # made for one operation
            view.get_authenticators = lambda: asked
        auth: list[Any] = super().get_auth()
        if described is not None and described.together:
            auth = [{name: scopes for one in auth for name, scopes in one.items()}]
        if described is None or described.optional is None:
            return auth
        return [*(one for one in auth if one), *([{}] if described.optional else [])]

    def resolved(self, body: Any) -> Any:
        """Return a body with references in the place of components, which it registers."""
        if isinstance(body, Component):
            component = ResolvedComponent(
                name=body.name,
                type=ResolvedComponent.SCHEMA,
                object=body.name,
                schema=self.resolved(dict(body.schema)),
            )
            self.registry.register_on_missing(component)
            return component.ref
        if isinstance(body, Mapping):
            return {name: self.resolved(each) for name, each in body.items()}
        if isinstance(body, list):
            return [self.resolved(each) for each in body]
        return body

    def own_serializer(self) -> Any:
        """Return an instance of the view's serializer, or None if it cannot be made."""
        serializer = self._get_serializer()  # type: ignore[no-untyped-call]
        return serializer() if isinstance(serializer, type) else serializer

    def fields(self, serializer: Any, direction: Any) -> Schema:
        """Return the properties of a serializer, for requests or for responses.

        Args:
            serializer: an instance.
            direction: "request" or "response".

        Returns:
            A schema with ``properties`` and, where some are, ``required``.
        """
        mapped: Schema = self._map_serializer(serializer, direction)  # type: ignore[no-untyped-call]
        unseen = "readOnly" if direction == "request" else "writeOnly"
        properties = {
            name: {key: said for key, said in field.items() if key not in ("readOnly", "writeOnly")}
            for name, field in mapped.get("properties", {}).items()
            if not field.get(unseen)
        }
        required = [name for name in mapped.get("required", ()) if name in properties]
        return {"properties": properties, **({"required": required} if required else {})}

    def name_of(self, serializer: Any) -> str:
        """Return the name of a serializer's component, the same for requests and responses."""
        return str(self._get_serializer_name(serializer, "response"))

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> Schema:
        mapped: Schema = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call]
        text = _texts.get(type(serializer))
        return mapped if text is None else {**mapped, "description": text}

    def _response(self, answer: Answer) -> OpenApiResponse:
        if not answer.bodies:
            return OpenApiResponse(description=answer.text)
        bodies = [
            # A serializer is drf-spectacular's to describe.
            body if isinstance(body, (BaseSerializer, type)) else self.resolved(body)
            for body in answer.bodies
        ]
        examples = [OpenApiExample(*example) for example in (answer.examples or {}).items()]
        body = bodies[0] if len(bodies) == 1 else {"anyOf": bodies}
        return OpenApiResponse(body, description=answer.text, examples=examples)


def with_schema(view: type[Any]) -> type[Any]:
    """Return a view like this one whose schema is ours, behind what the project has said itself.

    Args:
        view: one of our views, or derived from one.
    """
    own: Any = type(view.schema)
    if issubclass(RatchetSchema, own):
        made: Any = RatchetSchema
    else:
        made = type("ProjectsAndOurs", (own, RatchetSchema), {})
    attributes: dict[str, Any] = {"schema": made(), "__doc__": view.__doc__}
    if not issubclass(view, ListModelMixin):
        # A default of the project's, which says nothing of lists that are no ListModelMixin's.
        attributes |= {"pagination_class": None, "filter_backends": []}
    replaced: Any = type(view.__name__, (view,), attributes)
    # Without arguments it puts what the project has said of a single method before all else.
    decorated: type[Any] = extend_schema()(replaced)
    return decorated
