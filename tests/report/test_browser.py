"""The page in headless Chromium, opened from disk: every link and every control, light and dark, wide and narrow.

Without a Chromium these tests are skipped, unless XMLCORE_NEEDS_BROWSER is set: then they fail.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from disk import HOSTILE, write_project
from disk import write as write_file
from playwright.sync_api import Browser, Page
from test_render import write
from test_words import attack, dump_attacks, summary
from trust import gallery_entry, write_trust

from xmlcore.common.printable import printable

WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 740}
NUMBER = re.compile(r"[-−+]?\d[\d,]*(\.\d+)?(?![\w.])")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a project in which everything was measured, with hostile texts and failing checks."""
    root = tmp_path_factory.mktemp("project")
    write_project(root)
    write_trust(root)
    write_file(root / "results/toy/mach/clean/bce/explain_attacks/gallery.json", [gallery_entry(5, "G15", 4)])
    write_file(
        root / "results/toy/xml_cnn/clean/bce/attack_words/summary.json", {"positive": {"masked_lm": summary(0.9)}}
    )
    dump_attacks(root, attack(3, (20, HOSTILE), words=[HOSTILE] * 40, labels=[HOSTILE], best_before=[HOSTILE] * 2))
    return write(root, models=("xml_cnn", "mach")) / "index.html"


@pytest.fixture
def opened(browser: Browser, report: Path) -> Iterator[Any]:
    """Opens the page with the settings it is given; afterwards nothing may have complained or been fetched."""
    troubles: list[str] = []
    contexts = []

    def open_page(**settings: Any) -> Page:
        context = browser.new_context(**{"viewport": WIDE} | settings)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(5000)
        page.on("console", lambda message: troubles.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (troubles.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("requestfailed", lambda request: troubles.append(f"failed: {request.url}"))
        page.on("request", lambda request: request.url != report.as_uri() and troubles.append(f"asked: {request.url}"))
        page.goto(report.as_uri())
        unfold(page)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert troubles == []


def unfold(page: Page) -> None:
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")


def test_every_link_leads_to_a_file_or_a_place_in_the_page(opened: Any, report: Path) -> None:
    page = opened()
    links = page.eval_on_selector_all("a", "found => found.map(each => each.href)")
    ids = page.eval_on_selector_all("[id]", "found => found.map(each => each.id)")
    assert len(links) > 8 and len(ids) == len({*ids})
    for link in map(urlsplit, links):
        assert link.scheme == "file"
        if Path(unquote(link.path)) == report:
            assert link.fragment in ids
        else:
            assert Path(unquote(link.path)).is_file() and not link.fragment


def test_the_story_is_open_and_every_section_is_folded(browser: Browser, report: Path) -> None:
    context = browser.new_context(viewport=WIDE)
    page = context.new_page()
    page.goto(report.as_uri())
    sections = page.locator("details.section")
    assert sections.count() == 15
    for i in range(sections.count()):
        assert sections.nth(i).get_attribute("open") is None
        assert sections.nth(i).locator("summary h2").first.is_visible()
        assert (
            not sections.nth(i).locator("table").first.is_visible()
            if sections.nth(i).locator("table").count()
            else True
        )
    headings = page.locator("#summary h2").all_text_contents()
    assert headings == ["One document, and why", "Findings", "What to distrust"]
    assert page.locator("#summary figure svg").first.is_visible() and page.locator("#summary table").is_visible()
    marked = page.locator("#summary .marked")
    assert marked.count() == 2 and marked.first.locator(".for").count() >= 1
    page.locator("#data summary").click()
    assert page.locator("#data table").is_visible()
    context.close()


SORT_EVERYTHING = """() => [...document.querySelectorAll("table.sortable")].flatMap(table => {
  const rows = () => [...table.tBodies[0].rows].map(row => [...row.cells].map(cell => cell.textContent.trim()));
  const before = rows();
  return [...table.querySelectorAll("th button")].map(button => {
    const header = button.closest("th");
    const states = [];
    for (let i = 0; i < 3; i++) {
      button.click();
      states.push({
        direction: header.getAttribute("aria-sort"),
        others: [...table.querySelectorAll("th[aria-sort]")].filter(each => each.ariaSort !== "none").length,
        rows: rows(),
      });
    }
    return {caption: table.caption.textContent, column: header.cellIndex, before, states};
  });
})"""


def expected(rows: list[list[str]], column: int, descending: bool) -> list[list[str]]:
    """Numbers as numbers, other texts checked elsewhere, dashes last, equal ones as they were."""
    known = [row for row in rows if row[column] != "–"]
    numbers = {row[column]: float(NUMBER.match(row[column])[0].replace(",", "").replace("−", "-")) for row in known}
    return sorted(known, key=lambda row: numbers[row[column]] * (-1 if descending else 1)) + [
        row for row in rows if row[column] == "–"
    ]


def test_every_header_sorts_both_ways_and_back(opened: Any) -> None:
    page = opened()
    columns = page.evaluate(SORT_EVERYTHING)
    assert len(columns) > 100
    numeric = 0
    for found in columns:
        before, column = found["before"], found["column"]
        rising, falling, back = found["states"]
        assert [state["direction"] for state in found["states"]] == ["ascending", "descending", "none"]
        assert [state["others"] for state in found["states"]] == [1, 1, 0]
        assert back["rows"] == before
        known = [row[column] for row in before if row[column] != "–"]
        for state, descending in ((rising, False), (falling, True)):
            assert sorted(state["rows"]) == sorted(before)
            if all(map(NUMBER.match, known)):
                assert state["rows"] == expected(before, column, descending), found["caption"]
                numeric += 1
            else:
                dashes = [row[column] == "–" for row in state["rows"]]
                assert dashes == sorted(dashes)
        if len({*known}) == 2 and not all(map(NUMBER.match, known)):
            assert rising["rows"][0][column] != falling["rows"][0][column]
    assert numeric > 100


def test_numbers_sort_by_value_dashes_last_and_equal_ones_as_they_were(opened: Any) -> None:
    orders = opened().evaluate(
        """() => {
          const table = document.createElement("table");
          for (const pair of [["b10", "1,000.5"], ["a", "–"], ["b9", "−2"], ["d", "9 [8, 10]"], ["c", "9 [1, 2]"]]) {
            const row = table.insertRow();
            for (const text of pair) row.insertCell().textContent = text;
          }
          const names = rows => rows.map(row => row.cells[0].textContent).join(" ");
          return ["ascending", "descending"].flatMap(
            direction => [0, 1].map(column => names(sorted([...table.rows], column, direction))));
        }"""
    )
    assert orders == ["a b9 b10 c d", "b9 d c b10 a", "d c b10 b9 a", "b10 d c b9 a"]


def test_a_header_sorts_by_mouse_enter_and_space(opened: Any) -> None:
    page = opened()
    header = page.locator("#summary th[aria-sort]").nth(4)
    button = header.get_by_role("button")
    assert button.text_content() == "P@1"
    button.click()
    assert header.get_attribute("aria-sort") == "ascending"
    page.keyboard.press("Enter")
    assert header.get_attribute("aria-sort") == "descending"
    page.keyboard.press("Space")
    assert header.get_attribute("aria-sort") == "none"


def background(page: Page) -> str:
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_colours_follow_the_system_until_the_reader_chooses(opened: Any) -> None:
    light, dark = "rgb(253, 253, 252)", "rgb(20, 23, 28)"
    for scheme, first, second in (("light", light, dark), ("dark", dark, light)):
        page = opened(color_scheme=scheme)
        toggle = page.locator("#theme")
        assert (
            background(page) == first
            and toggle.text_content() == f"Use {'dark' if first == light else 'light'} colours"
        )
        toggle.click()
        assert background(page) == second
        page.reload()
        assert background(page) == second  # remembered
        page.locator("#theme").press("Enter")
        assert background(page) == first


CONTRASTS = """() => {
  const parse = colour => colour.match(/[\\d.]+/g).map(Number);
  const over = ([r, g, b, a = 1], below) => [r, g, b].map((each, i) => a * each + (1 - a) * below[i]);
  const backdrop = element => {
    const below = element ? backdrop(element.parentElement) : [255, 255, 255];
    return element ? over(parse(getComputedStyle(element).backgroundColor), below) : below;
  };
  const luminance = colour => colour.map(each => each / 255)
    .map(each => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4)
    .reduce((sum, each, i) => sum + each * [0.2126, 0.7152, 0.0722][i], 0);
  const poor = [];
  let seen = 0;
  for (const element of document.body.querySelectorAll("*")) {
    const text = [...element.childNodes].filter(each => each.nodeType === 3 && each.data.trim()).map(each => each.data);
    if (!text.length || !element.checkVisibility() || ["SCRIPT", "STYLE", "OPTION"].includes(element.tagName)) continue;
    const below = backdrop(element);
    const style = getComputedStyle(element);
    const colour = over(parse(element.closest("svg") ? style.fill : style.color), below);
    const [dim, bright] = [luminance(colour), luminance(below)].sort((a, b) => a - b);
    seen++;
    const contrast = (bright + 0.05) / (dim + 0.05);
    if (contrast < 4.5) poor.push([element.tagName, element.className, contrast, text[0].slice(0, 30)].join(" "));
  }
  return [seen, poor];
}"""


@pytest.mark.parametrize("system", ["light", "dark"])
@pytest.mark.parametrize("chosen", [False, True])
def test_every_text_stands_out_from_its_background(opened: Any, system: str, chosen: bool) -> None:
    page = opened(color_scheme=system)
    unfold(page)
    if chosen:
        page.locator("#theme").click()
    page.mouse.move(0, 0)
    seen, poor = page.evaluate(CONTRASTS)
    assert seen > 500 and poor == []


@pytest.mark.parametrize("viewport", [PHONE, WIDE])
def test_the_page_never_scrolls_sideways(opened: Any, viewport: dict[str, int]) -> None:
    page = opened(viewport=viewport)
    unfold(page)
    for i in range(page.locator("#gallery-case option").count()):
        page.select_option("#gallery-case", index=i)
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    text = page.locator("main").bounding_box()
    assert text and text["x"] >= 0 and text["x"] + text["width"] <= viewport["width"]


def test_the_gallery_shows_every_method_for_every_chosen_model_and_text(opened: Any) -> None:
    page = opened()
    shelves, cases = page.get_by_label("Corpus and model"), page.get_by_label("Document and label")
    assert shelves.locator("option").all_text_contents() == ["toy · xml_cnn", "toy · mach"]
    shelves.select_option(index=1)
    assert cases.locator("option").all_text_contents() == ["Document 5: G15 (positive, masked lm)"]
    assert page.locator("#gallery-readings h3").all_text_contents() == ["clean · bce"]
    shelves.select_option(index=0)
    names = cases.locator("option").all_text_contents()
    assert names[0] == "Document 12: C15 (positive, masked lm)" and len(names) == 3
    status = page.locator("#gallery-status")
    for i, rank in enumerate((9, 10, 9)):
        cases.select_option(index=i)
        assert f"clean · bce: rank 1 → {rank}" in status.text_content()
        assert page.locator("#gallery-readings h3").all_text_contents() == ["clean · bce", "adversarial · bce"]
        assert page.locator("#gallery-readings h5").all_text_contents() == ["LIME", "SHAP", "IG"] * 4
    assert status.get_attribute("aria-live") == "polite"
    rows = page.locator("#gallery-readings .panels")
    for row, marks, other in ((rows.nth(0), "del", "ins"), (rows.nth(1), "ins", "del")):
        assert row.locator(marks).count() == 3 * (2 if marks == "del" else 1) and row.locator(other).count() == 0
    assert rows.nth(1).locator("ins").first.text_content() == printable(HOSTILE) + "2"
    assert rows.nth(0).locator(
        ".heaviest"
    ).first.text_content() == "today +0.070</script> −0.060London +0.050in −0.040" + (printable(HOSTILE) + " +0.030")
    first = rows.nth(0).locator(".reading").first
    assert first.text_content().split() == f"profit rose {printable(HOSTILE)} in London </script> today".split()
    assert [each for each in first.locator("bdi").evaluate_all("found => found.map(each => each.className)")] == [
        *("", "against", "for", "against", "for", "against", "for")
    ]


def test_models_of_the_gallery_are_chosen_one_by_one(opened: Any) -> None:
    page = opened()
    boxes = page.locator("#gallery-cells input")
    assert boxes.count() == 2
    boxes.nth(0).uncheck()
    assert page.locator("#gallery-readings h3").all_text_contents() == ["adversarial · bce"]
    boxes.nth(1).press("Space")
    assert page.locator("#gallery-readings h3").count() == 0
    boxes.nth(0).check()
    assert page.locator("#gallery-readings h3").all_text_contents() == ["clean · bce"]


def test_signs_of_weights_differ_without_colour(opened: Any) -> None:
    page = opened()
    styles = {
        name: page.locator(f"#gallery-readings bdi.{name}").first.evaluate(
            "each => getComputedStyle(each).textDecorationStyle"
        )
        for name in ("for", "against")
    }
    assert styles == {"for": "solid", "against": "dotted"}


def test_failing_checks_are_red_and_say_so(opened: Any) -> None:
    page = opened(color_scheme="light")
    assert page.locator("#summary .doubts .fails").text_content().startswith("✗ 2 of 15 checks of the attacks fail")
    assert page.locator(".failures").inner_text() == ("toy · xml_cnn · adversarial · bce: Steps converge; Model breaks")
    fails = page.locator("#sanity td .fails")
    assert fails.all_text_contents() == ["✗ fails"] * 2
    colours = {
        name: page.locator(f"#sanity td .{name}").first.evaluate("each => getComputedStyle(each).color")
        for name in ("holds", "fails", "not-asked")
    }
    assert colours == {"holds": "rgb(26, 107, 51)", "fails": "rgb(179, 32, 44)", "not-asked": "rgb(87, 96, 107)"}


def test_hostile_text_is_shown_and_does_nothing(opened: Any) -> None:
    page = opened()
    unfold(page)
    page.get_by_label("Document and label").select_option(index=1)
    assert printable(HOSTILE) in page.locator("#gallery-status").text_content()
    assert page.evaluate("document.body.innerText.split('<script>alert(1)').length") > 20
    assert page.evaluate("window.hostile") is None
    assert page.evaluate("document.querySelectorAll('img, iframe, object, embed, link, base').length") == 0
    assert page.evaluate("document.scripts.length") == 2
    inline = "found => found.flatMap(each => each.getAttributeNames()).filter(name => name.startsWith('on'))"
    assert page.eval_on_selector_all("*", inline) == []


def test_the_policy_stops_what_the_page_did_not_bring(browser: Browser, report: Path) -> None:
    page = browser.new_page()
    page.goto(report.as_uri())
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    page.evaluate(
        """() => {
          document.body.insertAdjacentHTML("beforeend", "<img src=x onerror='window.hostile = 1'>");
          document.body.append(Object.assign(document.createElement("script"), {textContent: "window.hostile = 2"}));
          return fetch("figures/none.svg").catch(() => {});
        }"""
    )
    page.wait_for_timeout(100)
    assert page.evaluate("window.hostile") is None
    assert len([text for text in refused if "Content Security Policy" in text]) >= 3
    page.close()


def test_the_keyboard_reaches_everything_in_order_and_shows_where_it_is(opened: Any) -> None:
    page = opened(reduced_motion="reduce")
    controls = page.evaluate(
        """() => {
          const found = [...document.querySelectorAll("a[href], button, select, input, summary, [tabindex='0']")]
            .filter(each => each.checkVisibility());
          found.forEach((each, i) => each.dataset.order = i);
          return found.length;
        }"""
    )
    order, unmarked = [], []
    for _ in range(controls):
        page.keyboard.press("Tab")
        place, outline = page.evaluate(
            "[document.activeElement.dataset.order, getComputedStyle(document.activeElement).outlineStyle]"
        )
        order.append(int(place))
        if outline == "none":
            unmarked.append(place)
    assert controls > 100 and order == [*range(controls)] and unmarked == []


def test_the_skip_link_and_the_selects_work_by_keyboard(opened: Any) -> None:
    page = opened(reduced_motion="reduce")
    page.keyboard.press("Tab")
    skip = page.locator(".skip")
    assert skip.evaluate("each => document.activeElement === each") and skip.bounding_box()["y"] >= 0
    page.keyboard.press("Enter")
    assert page.url.endswith("#summary")
    page.locator("#gallery-case").focus()
    page.keyboard.press("ArrowDown")
    assert page.locator("#gallery-case").input_value() == "1"
    assert "rank 1 → 10" in page.locator("#gallery-status").text_content()
    page.locator("#sanity details summary").press("Enter")
    assert not page.locator("#sanity .meanings").is_visible()


def test_a_screen_reader_finds_names_and_an_outline(opened: Any) -> None:
    page = opened()
    levels = page.eval_on_selector_all("h1, h2, h3, h4, h5, h6", "found => found.map(each => Number(each.tagName[1]))")
    assert levels.count(1) == 1 and levels[0] == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False))
    nameless = page.evaluate(
        """() => {
          const name = each => each.ariaLabel || each.labels?.[0]?.textContent || each.textContent
            || document.getElementById(each.getAttribute("aria-labelledby"))?.textContent || "";
          const selectors = "a, button, select, input, summary, fieldset, figure, nav, section, [role]";
          const nameless = [...document.querySelectorAll(selectors)].filter(each => !name(each).trim());
          return nameless.map(each => each.outerHTML);
        }"""
    )
    assert nameless == []
    assert page.locator("table th:not([scope])").count() == page.locator("table:not(:has(caption))").count() == 0
    assert page.locator("svg:not([role=img] svg)").count() == 0
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.get_by_role("table", name="Sanity checks of the attacks").count() == 1
    assert page.get_by_role("button", name="P@1").count() > 1  # the name without the arrow


def test_motion_stops_for_who_wants_none(opened: Any) -> None:
    behaviour = "getComputedStyle(document.documentElement).scrollBehavior"
    assert opened().evaluate(behaviour) == "smooth"
    assert opened(reduced_motion="reduce").evaluate(behaviour) == "auto"


def test_without_scripts_everything_but_the_choice_is_there(opened: Any) -> None:
    page = opened(java_script_enabled=False)
    assert page.locator("button:visible, select:visible").count() == 0
    assert page.locator("noscript").count() == 1 and "needs JavaScript" in page.locator("#gallery").inner_text()
    assert page.locator("#sanity table").first.locator("tbody tr").count() == 2
    assert "P@1" in page.locator("#summary thead").inner_text()
