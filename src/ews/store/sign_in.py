"""Signing in with a local account: password and, where the account has one, a code. Needs the extra `serve`.

Whoever is refused learns nothing of why: an unknown login, a wrong password, a missing code, a closed account and a try
that came too early are one answer (A01). Nothing is held open while Argon2 computes.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, select, update

from ews.access import NEED_SECOND_FACTOR
from ews.errors import InputRefused
from ews.store import links, throttle
from ews.store.keys import Session, end_sessions_of, start_session
from ews.store.opening import Store
from ews.store.passwords import hash_anew, hash_password, is_password
from ews.store.schema import GRANTS, STAFF
from ews.store.second_factor import set_totp, step_of, take_step


@dataclass(frozen=True)
class Try:
    """One try to sign in.

    Attributes:
        login: as typed.
        password: as typed.
        code: of the second factor, as typed; empty without one.
        address: of the network it came from.
        browser: secret of the cookie of a browser that was used before; empty without one.
        session: secret of a session that came along, which ends by it; empty without one.
    """

    login: str
    password: str
    code: str
    address: str
    browser: str = ""
    session: str = ""


@dataclass(frozen=True)
class Admitted:
    """A success: the new session, and what marks the browser from now on (empty: it is marked already)."""

    staff_key: str
    login: str
    session: Session
    browser: str


@dataclass(frozen=True)
class SetUp:
    """What someone chose on the page of a one-time link.

    Attributes:
        secret: of the link.
        password: new; empty where the account signs in elsewhere.
        totp_secret: shown on the page; empty: no second factor wanted.
        code: that proves that the app has it.
    """

    secret: str
    password: str
    totp_secret: str = ""
    code: str = ""


@dataclass(frozen=True)
class Opened:
    """What an open link is for.

    Attributes:
        staff_key: whose it is.
        login: theirs.
        name: theirs.
        has_password: whether a local password is to be set; not where an identity provider vouches.
        needs_second_factor: whether one has to be set up, since a role asks for it and there is none yet.
    """

    staff_key: str
    login: str
    name: str
    has_password: bool
    needs_second_factor: bool


def opened_by(connection: Connection, secret: str, now: datetime) -> Opened | None:
    """What a link is for; None: it does not open any more."""
    staff_key = links.staff_of_link(connection, secret, now)
    account = _of_key(connection, staff_key) if staff_key else None
    if account is None:
        return None
    asks = select(GRANTS.c.grant_key).where(GRANTS.c.staff_key == staff_key, GRANTS.c.role.in_(NEED_SECOND_FACTOR))
    needs = account.totp_secret is None and connection.execute(asks).first() is not None
    return Opened(account.staff_key, account.login, account.name, account.oidc_subject is None, needs)


def sign_in(store: Store, tried: Try, now: datetime) -> Admitted | None:
    """Try to sign in; None: refused, for whatever reason."""
    login = tried.login.strip().lower()
    with store.reading() as connection:
        account = _account(connection, login)
        is_known = bool(tried.browser) and links.knows_browser(connection, tried.browser, login, now)
        about = throttle.abouts(login, tried.address, tried.browser if is_known else None)
        is_early = bool(throttle.wait(connection, about, now))
    if is_early:
        return None
    is_right = is_password(account.password_hash if account else None, tried.password)
    step = step_of(account.totp_secret, tried.code, now) if account and account.totp_secret else None
    admitted = None
    with store.writing() as connection:
        if account and is_right and _may_enter(connection, account, step):
            throttle.forget(connection, about)
            admitted = _admit(connection, account, tried, now, is_known=is_known)
        else:
            throttle.count_failure(connection, about, now)
    if admitted and account:
        # Only for who was let in, so that the time it takes tells nobody else that the password was right.
        _renew_hash(store, account, tried.password)
    return admitted


def _renew_hash(store: Store, account: Row, password: str) -> None:
    """Keep the password as today's parameters ask; one that was changed meanwhile stays as it was changed."""
    new = hash_anew(account.password_hash, password)
    if new:
        unchanged = (STAFF.c.staff_key == account.staff_key) & (STAFF.c.password_hash == account.password_hash)
        with store.writing() as connection:
            connection.execute(update(STAFF).where(unchanged).values(password_hash=new))


def set_up(store: Store, chosen: SetUp, now: datetime) -> Admitted:
    """Set password and second factor by a one-time link, and sign in.

    Everything else that was signed in as this person is signed out.

    Raises:
        InputRefused: the link does not open any more, the password is not a good one, or the code is not right; the
            link stays open for another try unless it was closed already.
    """
    with store.reading() as connection:
        opened = opened_by(connection, chosen.secret, now)
    if opened is None:
        raise InputRefused("This link was used, has expired, or was replaced by a newer one. Ask for a new one.")
    new, step = _chosen(opened, chosen, now)
    with store.writing() as connection:
        if not links.use_link(connection, chosen.secret, now):
            raise InputRefused("This link was used just now.")
        if new:
            connection.execute(update(STAFF).where(STAFF.c.staff_key == opened.staff_key).values(**new))
        if step is not None:
            set_totp(connection, opened.staff_key, chosen.totp_secret, step)
        end_sessions_of(connection, opened.staff_key)
        session = start_session(connection, opened.staff_key, now, second_factor=step is not None)
        browser = links.remember_browser(connection, opened.staff_key, now)
    return Admitted(opened.staff_key, opened.login, session, browser)


def _chosen(opened: Opened, chosen: SetUp, now: datetime) -> tuple[dict[str, str], int | None]:
    """The new password as it is kept, and the time step of the code, when both are good."""
    step = step_of(chosen.totp_secret, chosen.code, now) if chosen.totp_secret else None
    if chosen.totp_secret and step is None:
        raise InputRefused("The code is not the one of now. Check the clock of the phone, and take the newest code.")
    if opened.needs_second_factor and step is None:
        raise InputRefused("Your role needs a second factor. Add the account to an app, and type the code it shows.")
    if not opened.has_password:
        return {}, step
    return {"password_hash": hash_password(chosen.password, login=opened.login, name=opened.name)}, step


def step_up(store: Store, staff_key: str, session: str, code: str, now: datetime) -> Session | None:
    """Give the second factor in a session that began without; a new session takes its place. None: refused."""
    about = (throttle.About("browser", throttle.abouts(staff_key, "", session)[0].sha256),)
    with store.reading() as connection:
        account, is_early = _of_key(connection, staff_key), bool(throttle.wait(connection, about, now))
    step = step_of(account.totp_secret, code, now) if account and account.totp_secret and not is_early else None
    with store.writing() as connection:
        if step is not None and take_step(connection, staff_key, step):
            return start_session(connection, staff_key, now, second_factor=True, replaces=session)
        if not is_early:
            throttle.count_failure(connection, about, now)
    return None


def _account(connection: Connection, login: str) -> Row | None:
    return connection.execute(select(STAFF).where(STAFF.c.login == login, STAFF.c.is_active)).first()


def _of_key(connection: Connection, staff_key: str) -> Row | None:
    return connection.execute(select(STAFF).where(STAFF.c.staff_key == staff_key, STAFF.c.is_active)).first()


def _may_enter(connection: Connection, account: Row, step: int | None) -> bool:
    """With a code that was not used before, where the account has a second factor."""
    if not account.totp_secret:
        return True
    return step is not None and take_step(connection, account.staff_key, step)


def _admit(connection: Connection, account: Row, tried: Try, now: datetime, *, is_known: bool) -> Admitted:
    has_code = bool(account.totp_secret)
    session = start_session(connection, account.staff_key, now, second_factor=has_code, replaces=tried.session or None)
    browser = "" if is_known else links.remember_browser(connection, account.staff_key, now)
    return Admitted(account.staff_key, account.login, session, browser)
