"""The user service of the story: its code is the same on all six days, only its policy changes."""

import httpx

import undaunted
from undaunted.adapters.httpx import RetryingTransport


class UserService:
    """Shows users of an internal API. `network` is what its requests go through, by default httpx's own."""

    def __init__(self, policy: undaunted.Policy, network: httpx.BaseTransport | None = None) -> None:
        # The policy is what limits the time; httpx has limits of its own otherwise.
        self.client = httpx.Client(base_url="http://users.internal", transport=RetryingTransport(policy, network), timeout=None)

    def show(self, number: int) -> tuple[int, str]:
        """What the page of a user is answered with: a status and a text."""
        try:
            response = self.client.get(f"/users/{number}")
        except (httpx.TransportError, undaunted.GaveUp):
            return 503, "please try again later"
        if response.is_success:
            return 200, response.text
        if "User not exists" in response.text:
            return 404, "no such user"
        return 503, "please try again later"
