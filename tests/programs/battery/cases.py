"""The cases of the battery, by the program that they make up: what every client has to pass."""

from tests.programs.battery import across, calls, endings, many, past, secured

GROUPS = {
    "calls": (
        calls.plain,
        calls.post_json,
        calls.same_request_again,
        calls.events,
        calls.encoded_gzip,
        calls.encoded_brotli,
        calls.events_in_gzip,
        calls.chunked_upload,
        calls.multipart_upload,
        calls.redirects,
        calls.redirected_posts,
        calls.own_retries,
        calls.retries_of_the_program,
        calls.kept_alive,
        calls.without_a_body,
        calls.odd_answers,
        calls.large_bodies,
        calls.asks_while_streaming,
        calls.several_clients,
        secured.over_tls,
        secured.untrusted,
        secured.through_a_tunnel,
        secured.through_a_plain_proxy,
        secured.over_http2,
    ),
    "endings": (
        endings.refused,
        endings.reset_before_the_head,
        endings.reset_in_mid_stream,
        endings.cut_in_mid_stream,
        endings.timeout_before_the_head,
        endings.timeout_in_mid_stream,
        endings.abandoned,
        endings.no_http,
        endings.left_by_the_peer,
        endings.connect_timeout,
        endings.dropped,
        endings.cancelled,
    ),
    "many": (many.fan_out, many.many_on_one_connection),
}
ACROSS = "across"
"""The group for a recording that is answered through another client."""
PAST = "past"
"""The group for connections that no client makes, and that are not recorded."""
_ALL = {**GROUPS, ACROSS: (across.alike,), PAST: (past.past_the_client,)}


def is_able(kind, case):
    """Whether a client can do a case; what it cannot, it says in `without`."""
    needed = getattr(case, "needs", set())
    return not needed & set(kind.without) and (kind.waits or "tasks" not in needed)


def able(kind, group):
    """The cases of a group that a client can do."""
    return [case for case in _ALL[group] if is_able(kind, case)]
