"""Replacements for methods of simplejwt's token classes. ``seams`` puts them in place.

Each takes the method that it replaces, then that method's own arguments.
"""

from datetime import UTC, datetime
from itertools import chain
from typing import Any

from django.db import connections
from django.utils.functional import SimpleLazyObject
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import BlacklistMixin, SlidingToken, UntypedToken

from drf_ratchet.models import Session
from drf_ratchet.sessions import store
from drf_ratchet.sessions.database import write_database
from drf_ratchet.sessions.grant import in_seconds, in_utc
from drf_ratchet.sessions.subject import subject_of
from drf_ratchet_compat.simplejwt import binding, blacklist, sessions
from drf_ratchet_compat.simplejwt.request import current_request
from drf_ratchet_compat.simplejwt.sessions import current_task
from drf_ratchet_compat.simplejwt.settings import Phase, phase, rotates


class TokenState:
    """The bridge's state of one token object that was issued or verified here.

    Args:
        expires_at: when its session expires, in seconds since 1970; None if that is not known.
    """

    def __init__(self, expires_at: int | None) -> None:
        self.expires_at = expires_at
        #: The session as this object's rotation left it.
        self.session: Session | None = None
        #: ``blacklist()`` was called, and what follows decides between a logout and a rotation.
        self.blacklisted = False
        #: What that did was a logout, at once.
        self.ended = False
        #: ``set_jti()`` followed.
        self.went_on = False


def _state_of(token: Any) -> TokenState | None:
    found: TokenState | None = vars(token).get("_drf_ratchet")
    return found


def _is_refresh(token: Any) -> bool:
    """Return whether an object is a refresh token, or a sliding one, and no copy of its claims."""
    bound = binding.read(token.payload)
    if bound is not None:
        return binding.is_refresh(token.payload, bound)
    if isinstance(token, UntypedToken):
        return token.payload.get(api_settings.TOKEN_TYPE_CLAIM) in _refresh_types(BlacklistMixin)
    return isinstance(token, BlacklistMixin) and _refreshes(type(token))


def _has_session(token: Any) -> bool:
    """Return whether an object is a refresh token that has a session, or may get one."""
    return _is_refresh(token) and (
        binding.CLAIM in token.payload or api_settings.USER_ID_CLAIM in token.payload
    )


def _refresh_types(of: type[Any]) -> set[Any]:
    below = [_refresh_types(one) for one in of.__subclasses__()]
    own = {of.token_type} if _refreshes(of) else set()
    return {*own, *chain.from_iterable(below)} - {None}


def _refreshes(kind: type[Any]) -> bool:
    """Return whether tokens of a class can be refreshed.

    Others have ``BlacklistMixin`` to be used once: for a new password, say. They sign nobody in.
    """
    return issubclass(kind, SlidingToken) or hasattr(kind, "access_token")


def for_user(plain: Any, cls: Any, user: Any) -> Any:
    """Replace ``Token.for_user``: open a session for a refresh token or a sliding one.

    It runs before ``BlacklistMixin.for_user`` stores the ``jti`` and the text.
    """
    token = plain(cls, user)
    if not (issubclass(cls, BlacklistMixin) and _refreshes(cls)):
        return token
    session = sessions.open_for(user, _lifetime(token))
    if session is not None:
        binding.write(token.payload, session, subject_of(user), session.generation)
        _remember(token, session)
    return token


def verify(plain: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
    """Replace ``Token.verify``: ask the session too.

    Raises:
        SessionRefused: the session has ended, or the refresh token was used up.
    """
    done = plain(self, *args, **kwargs)
    bound = binding.read(self.payload)
    session: Session | None = None
    if _is_refresh(self):
        doing = current_task()
        if phase() is not Phase.MARK and (doing is None or (not doing.ends and not rotates())):
            session = sessions.check_refresh(self.payload)
        elif phase() is not Phase.MARK and doing is not None and not doing.ends:
            sessions.bind_ahead(self.payload)
        _remember(self, session)
    elif bound is not None and phase() is not Phase.MARK:
        sessions.check_access(self.payload, bound)
    return done


def check_blacklist(plain: Any, self: Any) -> None:
    """Replace ``BlacklistMixin.check_blacklist``, unless plain simplejwt made the token.

    ``verify`` looks the ``jti`` up together with that of the sign-in. A logout looks here: the same
    token twice is refused, as simplejwt does.
    """
    doing = current_task()
    bound = binding.read(self.payload)
    if (
        bound is None
        or phase() is Phase.MARK
        or not binding.is_ours(self.payload, bound)
        or (doing is not None and doing.ends)
    ):
        plain(self)


def set_jti(plain: Any, self: Any) -> None:
    """Replace ``Token.set_jti``: after ``blacklist()``, the same object becomes the next token."""
    before = dict(self.payload)
    plain(self)
    state = _state_of(self)
    if state is None or not _has_session(self):
        return
    doing = current_task()
    if state.blacklisted or (doing is not None and not doing.ends and rotates()):
        state.went_on = True
        if phase() is not Phase.MARK:
            _go_on(self, state, before)
    elif phase() is Phase.DRAIN and (bound := binding.read(before)):
        # All texts of a session that holds have one id, so that one row can revoke them.
        self.payload[api_settings.JTI_CLAIM] = binding.jti_of(bound.session, bound.generation)


def _go_on(token: Any, state: TokenState, before: dict[str, Any]) -> None:
    if state.ended:
        _start_again(token)
        return
    advanced = sessions.advance(before, _lifetime(token))
    if advanced is None:
        if blacklist.is_installed():  # its user is gone: rotated as there
            expires_at = datetime.fromtimestamp(before["exp"], UTC)
            blacklist.revoke(before[api_settings.JTI_CLAIM], user=None, expires_at=expires_at)
        return
    session, row = advanced
    # On the way back each token is listed; one of before the line is listed under its new name.
    lists = blacklist.is_installed() and (phase() is Phase.DRAIN or session.generation == row)
    row = session.generation if lists else row
    binding.write(token.payload, session, subject_of(session.user), row)
    token.payload["iat"] = in_seconds(session.rotated_at)
    token.payload["exp"] = in_seconds(session.expires_at)
    state.session = session
    _remember(token, session)
    if lists:
        blacklist.revoke(
            token.payload[api_settings.JTI_CLAIM],
            user=session.user,
            token=str(token),
            expires_at=in_utc(session.expires_at),
            blacklists=False,
        )


def _start_again(token: Any) -> None:
    """Open a session for a token whose old one ended outside of a request, and was not to."""
    old = sessions.old_session(token.payload)
    session = sessions.open_for(old.user, _lifetime(token)) if old else None
    token.payload.pop(binding.CLAIM, None)
    if old and session:
        binding.write(token.payload, session, subject_of(old.user), session.generation)
        _remember(token, session)


def set_exp(plain: Any, self: Any, *args: Any, **kwargs: Any) -> None:
    """Replace ``Token.set_exp``: a repeated refresh gives the same expiry as the first."""
    plain(self, *args, **kwargs)
    state = _state_of(self)
    if state is not None and state.session is not None and not args and not kwargs:
        self.payload["exp"] = in_seconds(state.session.expires_at)


def set_iat(plain: Any, self: Any, *args: Any, **kwargs: Any) -> None:
    """Replace ``Token.set_iat``: a repeated refresh gives the same time as the first."""
    plain(self, *args, **kwargs)
    state = _state_of(self)
    if state is not None and state.session is not None and not args and not kwargs:
        self.payload["iat"] = in_seconds(state.session.rotated_at)


def to_text(plain: Any, self: Any) -> str:
    """Replace ``Token.__str__``: the session lives as long as the token that is signed now."""
    state, bound = _state_of(self), binding.read(self.payload)
    if state is not None and bound is not None and binding.is_refresh(self.payload, bound):
        expires_at = int(max(self.payload["exp"], self.payload.get(_SLIDING_CLAIM, 0)))
        if state.expires_at is None or expires_at > state.expires_at:
            state.expires_at, later = expires_at, datetime.fromtimestamp(expires_at, UTC)
            if store.extend(bound.session, later):
                blacklist.keep(binding.jti_of(bound.session, bound.row), until=later)
    text: str = plain(self)
    return text


_SLIDING_CLAIM = api_settings.SLIDING_TOKEN_REFRESH_EXP_CLAIM


def blacklist_token(plain: Any, self: Any) -> Any:
    """Replace ``BlacklistMixin.blacklist``: end the session, unless the same object goes on.

    simplejwt's rotation and the copies of it in projects call ``blacklist()``, then ``set_jti()``.
    So a request ends the session when its view has answered. Outside of one, at once.
    """
    state, doing = _state_of(self), current_task()
    if state is None or not _has_session(self):
        with blacklist.by_the_bridge():
            return plain(self)  # not verified, or of nobody: it ends nothing
    state.blacklisted = True
    if doing is not None and not doing.ends and rotates():
        return _rows_of(plain, self) if phase() is Phase.MARK else (None, False)
    payload = dict(self.payload)
    current = current_request()
    if current is None or (doing is not None and doing.ends):
        rows, state.ended = _rows_of(plain, self), True
        sessions.end_sessions_of(payload)
        return rows
    written = SimpleLazyObject(lambda: _rows_of(plain, self))
    if phase() is Phase.MARK:
        bool(written)

    def end() -> None:
        # In a transaction that is rolled back, the logout is undone with the rest of the request.
        if not state.went_on and not connections[write_database()].needs_rollback:
            bool(written)
            sessions.end_sessions_of(payload)

    current.at_response.append(end)
    return SimpleLazyObject(lambda: written[0]), True


def outstand(plain: Any, self: Any) -> Any:
    """Replace ``BlacklistMixin.outstand``: a session keeps one row, that of its sign-in."""
    state = _state_of(self)
    if state is not None and state.session is not None:
        return None
    return plain(self)


def _rows_of(plain: Any, token: Any) -> Any:
    with blacklist.by_the_bridge():
        return plain(token)


def _remember(token: Any, session: Session | None) -> None:
    expires_at = None if session is None else in_seconds(session.expires_at)
    state = _state_of(token)
    if state is None:
        vars(token)["_drf_ratchet"] = TokenState(expires_at)
    else:
        state.expires_at = expires_at


def _lifetime(token: Any) -> Any:
    sliding = token.payload.get(_SLIDING_CLAIM)
    if sliding is None:
        return token.lifetime
    return datetime.fromtimestamp(sliding, UTC) - datetime.fromtimestamp(token.payload["iat"], UTC)
