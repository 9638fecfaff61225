"""What is pulled from the subscription of a bucket's notifications, and what of it counts."""

import pytest

from audio_assets.errors import StorageError, TransientStorageError
from audio_assets.objects.notifications import Named, Notice, Subscription, named_in
from audio_assets.objects.roots import open_root, open_subscription
from audio_assets_tests.pubsub_server import SUBSCRIPTION, PubsubServer


@pytest.fixture
def server():
    with PubsubServer().serve() as server:
        yield server


@pytest.fixture
def subscription(server) -> Subscription:
    return open_subscription(SUBSCRIPTION, server.host)


def test_messages_come_again_until_they_are_acknowledged(server, subscription):
    server.at_once = 2
    for number in range(5):
        server.notify("field-audio", f"owl/data/pos/{number}.wav")
    pulled = subscription.pull(120)
    assert [notice.name[-5:] for notice in pulled] == [f"{number}.wav" for number in range(5)]
    assert {call["ackDeadlineSeconds"] for call in server.calls("modifyAckDeadline")} == {120}
    assert subscription.pull(120) == []
    server.come_again()
    again = subscription.pull(120)
    assert len(again) == 5
    subscription.acknowledge([notice.receipt for notice in again])
    server.come_again()
    assert server.waiting == {} and subscription.pull(120) == []


@pytest.mark.parametrize("attributes", [None, [], {}, {"objectId": 5}, {"objectId": "owl/a"}, "x"])
def test_what_is_no_notification_names_nothing_and_is_no_fault(server, subscription, attributes):
    server.publish(attributes, b"\x00garbage")
    server.notify("field-audio", "owl/a.wav")
    notices = subscription.pull(60)
    assert [(notice.bucket, notice.name) for notice in notices] == [
        ("", ""),
        ("field-audio", "owl/a.wav"),
    ]
    assert named_in(open_root("gs://field-audio"), notices) == Named(frozenset({"owl"}), unknown=1)


@pytest.mark.parametrize(
    ("root", "expected"),
    [
        ("gs://field-audio/audio", Named(frozenset({"owl", "fox"}), True, 3, 1)),
        ("gs://field-audio", Named(frozenset({"audio", "audio2"}), True, 1, 1)),
        ("gs://other", Named(frozenset({"audio"}), False, 5, 1)),
    ],
)
def test_only_what_lies_in_the_root_is_named(root, expected):
    objects = [
        ("field-audio", "audio/owl/data/pos/a.wav"),
        ("field-audio", "audio/fox/data/neg/b.wav"),
        ("field-audio", "audio/clips.csv"),
        ("field-audio", "audio2/owl/data/pos/a.wav"),
        ("field-audio", "notes.txt"),
        ("other", "audio/owl/data/pos/a.wav"),
        ("", ""),
    ]
    notices = [Notice("receipt", *one) for one in objects]
    assert named_in(open_root(root), notices) == expected


@pytest.mark.parametrize(
    ("fault", "kind", "words", "remedy"),
    [
        (403, StorageError, "may not be read (403): told to fail", "roles/pubsub.subscriber"),
        (401, StorageError, "may not be read (401): told to fail", "roles/pubsub.subscriber"),
        (400, StorageError, "may not be read (400): told to fail", "AUDIO_ASSETS_NOTIFICATIONS"),
        (404, StorageError, "does not exist", "AUDIO_ASSETS_NOTIFICATIONS"),
        (429, TransientStorageError, "told to fail", "next tick"),
        (503, TransientStorageError, "told to fail", "next tick"),
        (b"<html>", TransientStorageError, "not from Pub/Sub", "next tick"),
        (b"[]", TransientStorageError, "not from Pub/Sub", "next tick"),
    ],
)
def test_a_fault_says_what_is_wrong_and_what_to_do(
    server, subscription, fault, kind, words, remedy
):
    server.fault = fault
    for call in (lambda: subscription.pull(60), lambda: subscription.acknowledge(["one"])):
        with pytest.raises(StorageError) as caught:
            call()
        assert type(caught.value) is kind
        assert SUBSCRIPTION in caught.value.what and words in caught.value.what
        assert remedy in caught.value.remedy


def test_a_subscription_that_does_not_answer_is_a_fault_that_passes(server):
    with pytest.raises(TransientStorageError, match="connection failed"):
        open_subscription(SUBSCRIPTION, "127.0.0.1:9").pull(60)
    with pytest.raises(StorageError, match="subscriptions/none does not exist"):
        open_subscription("projects/birds/subscriptions/none", server.host).pull(60)


@pytest.mark.parametrize(
    "answer",
    [
        b'{"receivedMessages": 3}',
        b'{"receivedMessages": null}',
        b'{"receivedMessages": [{}]}',
        b'{"receivedMessages": ["x"]}',
        b"[]",
    ],
)
def test_an_answer_that_is_not_of_pubsub_is_a_fault_that_passes(server, subscription, answer):
    server.fault = answer
    with pytest.raises(TransientStorageError, match="not from Pub/Sub"):
        subscription.pull(60)
