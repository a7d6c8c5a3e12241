"""Every error a user can meet: one root, one class a situation, one exit code a class.

A message says what is wrong, where, and how to fix it, and never holds a student's value:
operators read the exit code and the message without seeing records of children.
"""


class EwsError(Exception):
    """The root: anything the system refuses to do, said in words a registrar can act on."""

    exit_code = 1


class InputRefused(EwsError):
    """A file or folder cannot be taken as it is; nothing was changed."""

    exit_code = 10


class NotEnoughData(EwsError):
    """What was asked for needs school years, students or outcomes that are not there."""

    exit_code = 11


class UntrustedBundle(EwsError):
    """A model bundle is not the one that was registered, and was not loaded."""

    exit_code = 12


class NothingPromoted(EwsError):
    """A champion is needed and none was promoted yet."""

    exit_code = 13


class NotFound(EwsError):
    """No such student, school, version or run in this home."""

    exit_code = 14


class InvalidPolicy(EwsError):
    """A TOML of policy or a column map holds a key or value that is not known."""

    exit_code = 15


class InvalidFeatures(EwsError):
    """Feature rows do not have exactly the model's columns, or hold values no record can give."""

    exit_code = 16


class EngineNotInstalled(EwsError):
    """The engine asked for needs software that is not on this machine."""

    exit_code = 18


class Busy(EwsError):
    """Another command holds this home; only one may write at a time."""

    exit_code = 17


class PromotionRefused(EwsError):
    """A gate says no, or asks for a sign-off that was not given; what was in force stays in force."""

    exit_code = 19


class RegistryUnavailable(EwsError):
    """The registry is locked, damaged or of another MLflow; what is in force does not depend on it."""

    exit_code = 20


class MonitoringAlarm(EwsError):
    """Monitoring found something that a person should look at before the next list; nothing was changed."""

    exit_code = 21


class AuditUnavailable(EwsError):
    """The log of reads cannot be written, so nothing of a student is shown."""

    exit_code = 23


class StoreUnavailable(EwsError):
    """The store cannot be reached, is damaged, or was made by another version; nothing was changed."""

    exit_code = 24


class Overtaken(EwsError):
    """Somebody else changed the same thing meanwhile, so this change was not made; it says who and when."""

    exit_code = 25


class EffectRefused(EwsError):
    """An effect was asked for in a way that would mislead: not registered before the round, changed, or naive."""

    exit_code = 26
