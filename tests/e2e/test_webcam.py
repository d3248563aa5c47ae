"""Pictures from a camera into classes, with Chromium's own camera, which shows a moving picture; and without one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from core.data.library import list_datasets
from core.data.sources.captures import Captures
from core.store.workspace import Workspace
from tests.e2e.conftest import Server
from tests.e2e.test_class_by_class import add_class

pytestmark = pytest.mark.browser


@pytest.fixture
def camera_page(launch: Callable[..., Browser]) -> Iterator[Page]:
    """A page of a browser that has a camera and may use it."""
    browser = launch("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    context = browser.new_context(viewport={"width": 1440, "height": 1000}, permissions=["camera"])
    context.set_default_timeout(30_000)
    yield context.new_page()
    browser.close()


def counts(server: Server) -> dict[str, int]:
    return {one.label: len(one.pictures) for one in Captures(Workspace(server.workspace)).classes()}


def hold_until(page: Page, taken: int) -> int:
    """Hold the button until so many are taken; how many it says in the end."""
    button = page.get_by_role("button", name="Hold to take pictures")
    expect(button).to_be_enabled()
    button.scroll_into_view_if_needed()
    button.hover()
    page.mouse.down()
    page.wait_for_function(
        "least => [...document.querySelectorAll('*')].some(one => one.shadowRoot && parseInt("
        "one.shadowRoot.querySelector('.count')?.textContent || '0') >= least)", arg=taken)
    page.mouse.up()
    expect(page.locator(".count")).not_to_contain_text("keeping")
    return int(page.locator(".count").inner_text().split()[0])


@pytest.mark.slow
def test_a_burst_goes_into_the_class_whose_button_is_held(camera_page: Page, server: Server) -> None:
    page = camera_page
    page.goto(server.url)
    for label in ("open hand", "fist"):
        add_class(page, label)
    page.get_by_role("button", name="Webcam").first.click()
    first = hold_until(page, taken=20)  # more than two batches
    assert counts(server) == {"open hand": first, "fist": 0}
    page.get_by_role("button", name="Close the webcam").click()
    expect(page.locator(".hold")).to_have_count(0)
    page.get_by_role("button", name="Webcam").nth(1).click()
    second = hold_until(page, taken=3)
    assert counts(server) == {"open hand": first, "fist": second}
    page.get_by_role("button", name="Make the dataset").click()
    expect(page.get_by_text("gathered class by class")).to_be_visible()
    (made,) = list_datasets(Workspace(server.workspace))
    table = made.usable()
    assert made.images == first + second and made.bad == 0
    assert table[["width", "height"]].max().max() <= 640 and table["hash"].nunique() > 1


@pytest.mark.parametrize("missing, why", [
    ("", "camera"),  # this browser has none, or may not use it
    ("Object.defineProperty(navigator, 'mediaDevices', {value: undefined})", "localhost"),  # as over plain http
])
def test_without_a_camera_the_page_says_so(page: Page, server: Server, missing: str, why: str) -> None:
    page.add_init_script(missing)
    page.goto(server.url)
    add_class(page, "fist")
    page.get_by_role("button", name="Webcam").click()
    expect(page.locator(".why")).to_contain_text(why)
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    expect(page.locator(".hold")).not_to_be_visible()
