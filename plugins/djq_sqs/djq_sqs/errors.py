"""What SQS and botocore say, as the broker's errors: one line that names the setting and shows no secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from botocore import exceptions

from djq_core.exceptions import BrokerError, PackageTooLarge
from djq_sqs.logs import without
from djq_sqs.options import SqsOptions

#: The codes of SQS and of all AWS services, without the prefix of the older protocol.
_REFUSED_KEYS: Final = frozenset(
    {
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSecurity",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException", "KmsAccessDenied", "NotAuthorized"})
_MISSING: Final = frozenset({"NonExistentQueue", "QueueDoesNotExist"})
_THROTTLED: Final = frozenset(
    {
        "KmsThrottled",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_EXISTS: Final = frozenset({"QueueAlreadyExists", "QueueNameExists"})
#: A receipt handle that stands for nothing any more: deleted, delivered again, or over.
_OVER: Final = frozenset({"InvalidParameterValue", "MessageNotInflight", "ReceiptHandleIsInvalid"})

_CODES: Final[Mapping[str, str]] = {
    "BatchRequestTooLong": "takes less in one request than was sent.",
    "InvalidAttributeName": "does not know an attribute of 'queue_attributes' in Q_CLUSTER['sqs'].",
    "InvalidAttributeValue": "does not take an attribute of 'queue_attributes' in Q_CLUSTER['sqs'].",
    "OverLimit": "has too many messages in flight: 120,000 tasks of this queue are held at once.",
    "PurgeQueueInProgress": "purges a queue once in 60 seconds: try again in a minute.",
    "QueueDeletedRecently": "takes a queue's name again 60 seconds after its deletion: try again in a minute.",
}
_CONNECTIONS: Final[tuple[tuple[tuple[type[Exception], ...], str], ...]] = (
    (
        (exceptions.NoRegionError,),
        "has no region: set 'aws_region' in Q_CLUSTER['sqs'], or AWS_DEFAULT_REGION.",
    ),
    (
        (exceptions.ProfileNotFound,),
        "cannot be used: 'aws_profile' in Q_CLUSTER['sqs'] names no profile of the AWS configuration.",
    ),
    (
        (exceptions.ConnectTimeoutError, exceptions.ReadTimeoutError),
        "did not answer in time: see 'connect_timeout' and 'read_timeout' in Q_CLUSTER['sqs']['config'].",
    ),
    ((exceptions.SSLError,), "cannot be reached with TLS: see 'endpoint_url' and 'verify' in Q_CLUSTER['sqs']."),
    ((exceptions.ProxyConnectionError,), "cannot be reached: see 'proxies' in Q_CLUSTER['sqs']['config']."),
    (
        (exceptions.HTTPClientError, exceptions.ConnectionError),
        "cannot be reached: see 'endpoint_url' and 'aws_region' in Q_CLUSTER['sqs'].",
    ),
)
_NO_CREDENTIALS: Final = (
    exceptions.NoCredentialsError,
    exceptions.PartialCredentialsError,
    exceptions.CredentialRetrievalError,
    exceptions.TokenRetrievalError,
    exceptions.SSOError,
)


def code_of(error: BaseException | Mapping[str, Any]) -> str:
    """Return the code of an error, or of a failed entry of a batch, without the prefix of the older protocol."""
    if isinstance(error, exceptions.ClientError):
        error = error.response.get("Error", {})
    return str(error.get("Code", "")).rpartition(".")[2] if isinstance(error, Mapping) else ""


def is_missing(error: BaseException) -> bool:
    """Is it that there is no such queue?"""
    return code_of(error) in _MISSING


def is_there(error: BaseException) -> bool:
    """Is it that there is a queue of this name already, with other attributes?"""
    return code_of(error) in _EXISTS


def is_throttled(error: BaseException | Mapping[str, Any]) -> bool:
    """Is it that too much is asked of SQS just now, and that nothing was done?"""
    return code_of(error) in _THROTTLED


def is_over(error: BaseException | Mapping[str, Any]) -> bool:
    """Is it that a receipt handle stands for nothing any more?"""
    return code_of(error) in _OVER


def is_unsent(error: BaseException) -> bool:
    """Is it certain that SQS took nothing of the request?"""
    return isinstance(error, exceptions.ClientError | exceptions.EndpointConnectionError | BrokerError)


def is_too_long(error: BaseException) -> bool:
    """Is it that a batch is larger than one request may be?"""
    return code_of(error) == "BatchRequestTooLong"


def reraise(options: SqsOptions, error: BaseException) -> None:
    """Raise BrokerError, or PackageTooLarge, for what botocore has raised; pass over any other error."""
    if not isinstance(error, exceptions.BotoCoreError | exceptions.ClientError | OSError):
        return
    if "Message must be shorter than" in str(error):
        raise PackageTooLarge(f"The package is larger than this queue takes: {_masked(options, error)}") from None
    raise BrokerError(told(options, error)) from (None if _quotes_secrets(options, error) else error)


def told(options: SqsOptions, error: BaseException) -> str:
    """Return an error in one line."""
    return " ".join(f"{options.where} {_what(options, error)} It said: {_masked(options, error)}".split())


def told_of_entry(options: SqsOptions, operation: str, failed: Mapping[str, Any]) -> str:
    """Return in one line what SQS says of an entry that failed in a batch that did not."""
    return told(options, exceptions.ClientError({"Error": dict(failed)}, operation))


def _what(options: SqsOptions, error: BaseException) -> str:
    if isinstance(error, exceptions.ClientError):
        return _refusal(options, error)
    if isinstance(error, _NO_CREDENTIALS):
        return f"needs credentials, and {options.credentials} cannot be used."
    for kinds, remedy in _CONNECTIONS:
        if isinstance(error, kinds):
            return remedy
    return "cannot be used: see Q_CLUSTER['sqs']."


def _refusal(options: SqsOptions, error: exceptions.ClientError) -> str:
    code = code_of(error)
    if code in _REFUSED_KEYS:
        return f"refuses {options.credentials}."
    if code in _DENIED:
        action = error.operation_name.removesuffix("Batch")
        return f"does not let {options.credentials} do this: allow sqs:{action} on the queue."
    if code in _MISSING:
        return "has no such queue: make it, or let djq do that ('create_queue' in Q_CLUSTER['sqs'])."
    if code in _THROTTLED:
        return "is asked for too much at once and takes no more just now."
    return _CODES.get(code, f"refused {error.operation_name} (see Q_CLUSTER['sqs']).")


def _masked(options: SqsOptions, error: BaseException) -> str:
    text = str(error) or type(error).__name__
    if isinstance(error, exceptions.ClientError):
        text = f"{code_of(error)}: {error.response.get('Error', {}).get('Message', '')}"
    return without(text, options.secrets)


def _quotes_secrets(options: SqsOptions, error: BaseException | None) -> bool:
    while error is not None:
        if any(secret in str(error) for secret in options.secrets):
            return True
        error = error.__cause__ or error.__context__
    return False
