"""Behaviour of the report in headless Chromium without a network."""

import io
import shutil
from dataclasses import replace

import ase.io
import numpy as np
import pytest
from connected_run import write_connected_run
from pages import write_page

from explorer.landscape.populations import populations
from explorer.similarity.superpose import centred, superpose
from explorer.topology.hydrogen_bonds import hydrogen_bond_patterns
from explorer.units import BOLTZMANN

ISOLATED = """([key]) => {
  const figure = document.querySelector(`[data-figure=${key}]`);
  const found = [];
  const full = figure._fullLayout;
  for (const trace of figure.data) (trace.customdata || []).forEach((id, k) => {
    const [x, y] = [full[(trace.xaxis || 'x').replace('x', 'xaxis')], full[(trace.yaxis || 'y').replace('y', 'yaxis')]];
    found.push({ id, x: x._offset + x.d2p(trace.x[k]), y: y._offset + y.d2p(trace.y[k]) });
  });
  const gap = (a) => Math.min(...found.map((b) => (a.id === b.id ? 1e9 : Math.hypot(a.x - b.x, a.y - b.y))));
  const selected = Number(document.body.dataset.selected);
  return found.filter((a) => a.id !== selected).reduce((a, b) => (gap(b) > gap(a) ? b : a));
}"""
CUT_TEXTS = """() => [...document.querySelectorAll('.figure')].flatMap((figure) => {
  const box = figure.getBoundingClientRect();
  return [...figure.querySelectorAll('svg text')].filter((text) => {
    const b = text.getBoundingClientRect();
    const aside = b.left < box.left - 1 || b.right > box.right + 1;
    const outside = aside || b.top < box.top - 1 || b.bottom > box.bottom + 1;
    return b.width > 0 && outside;
  }).map((text) => `${figure.dataset.figure}: ${text.textContent}`);
})"""
WIDTHS = """() => [...document.querySelectorAll('[data-figure]')]
  .map((figure) => [figure.clientWidth, figure._fullLayout.width])"""
PICTURE = "() => document.getElementById('viewer').toDataURL()"


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium found on the path")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


def opened(browser, path, width=1400):
    """The page after its script has finished, with its requests and console messages."""
    page = browser.new_context(offline=True, viewport={"width": width, "height": 900}).new_page()
    page.requests, page.complaints = [], []
    page.on("request", lambda request: page.requests.append(request.url))
    page.on("console", lambda message: page.complaints.append(message.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.goto(path.as_uri())
    page.wait_for_selector("body[data-ready=yes]", timeout=60_000)
    return page


def resized(page, width):
    """The page in a window of another width, after all figures have been resized."""
    page.set_viewport_size({"width": width, "height": 900})
    for _ in range(100):  # not wait_for_function: see below
        page.wait_for_timeout(200)
        if all(abs(box - drawn) <= 1 for box, drawn in page.evaluate(WIDTHS)):
            return
    raise AssertionError(f"figures do not follow the window: {page.evaluate(WIDTHS)}")


@pytest.fixture(scope="module")
def report(synthetic_run, tmp_path_factory):
    return write_page(synthetic_run, tmp_path_factory.mktemp("report") / "index.html")


@pytest.fixture(scope="module")
def page(browser, report):
    return opened(browser, report)


def test_page_makes_no_other_requests_and_has_no_console_messages(page, report):
    assert page.requests == [report.as_uri()]
    assert page.complaints == []


def test_every_panel_shows_something(page):
    panels = page.query_selector_all(".panel")
    assert len(panels) >= 11
    for panel in panels:
        assert len(panel.inner_text()) > 60, panel.get_attribute("id")
        assert panel.bounding_box()["height"] > 100, panel.get_attribute("id")
    for figure in page.query_selector_all("[data-figure]"):
        n_marks = figure.evaluate("(f) => f.querySelectorAll('.points path, .lines path').length")
        assert n_marks > 10, figure.get_attribute("data-figure")
    assert not page.query_selector_all(".panel:not(#panel-stability) .absent")  # this run has no dynamics


@pytest.mark.parametrize("width", [1400, 800])
def test_nothing_is_cut_or_wider_than_the_window(page, width):
    resized(page, width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(CUT_TEXTS) == []
    resized(page, 1400)


@pytest.mark.parametrize("key", ["spectrum", "discovery", "ramachandran", "map", "network", "disconnectivity"])
def test_click_on_a_point_shows_its_structure(page, key):
    figure = page.query_selector(f"[data-figure={key}]")
    figure.scroll_into_view_if_needed()
    before = page.evaluate(PICTURE)
    target = page.evaluate(ISOLATED, [key])
    box = figure.bounding_box()
    page.mouse.move(box["x"] + target["x"] - 1, box["y"] + target["y"])
    page.mouse.click(box["x"] + target["x"], box["y"] + target["y"])
    # not wait_for_function: it evaluates a text on every look, which the page's security policy forbids
    page.wait_for_selector(f"body[data-selected='{target['id']}']", timeout=30_000)
    assert str(target["id"]) in page.inner_text("#shown-title") or "Training" in page.inner_text("#shown-title")
    assert page.evaluate(PICTURE) != before


def test_address_names_the_selected_minimum(browser, page, report):
    page.query_selector_all("#minima-body tr")[4].click()
    chosen = page.evaluate("document.body.dataset.selected")
    assert page.evaluate("location.hash") == f"#minimum-{chosen}"
    page.evaluate("location.hash = '#minimum-3'")
    page.wait_for_selector("body[data-selected='3']")
    page.evaluate("location.hash = '#minimum-99999'")  # no such minimum
    assert page.inner_text("#shown-title") == "Minimum 3"


def test_hydrogen_bonds_are_listed_and_drawn_dashed(page, synthetic_run):
    patterns = hydrogen_bond_patterns(synthetic_run.molecule, np.array([m.positions for m in synthetic_run.minima]))
    bound = next(m.id for m in synthetic_run.results if patterns[m.id] != "none")
    page.evaluate(f"select({bound})")
    facts = page.inner_text("#facts").split("\n")
    assert facts[facts.index("hydrogen bonds") + 1] == patterns[bound]
    assert page.evaluate("viewer.hydrogenBonds.length") == patterns[bound].count("+") + 1
    with_bonds = page.evaluate(PICTURE)
    page.evaluate("viewer.hydrogenBonds = []; viewer.draw()")
    assert page.evaluate(PICTURE) != with_bonds


def test_click_on_a_row_shows_its_structure_and_rings_it_in_every_figure(page):
    row = page.query_selector_all("#minima-body tr")[7]
    chosen = row.get_attribute("data-id")
    before = page.evaluate(PICTURE)
    row.click()
    assert page.inner_text("#shown-title") == f"Minimum {chosen}"
    assert page.evaluate(PICTURE) != before
    assert "selected" in row.get_attribute("class")
    for key in ("spectrum", "discovery", "ramachandran", "map", "network", "disconnectivity"):
        assert page.query_selector_all(f"[data-figure={key}] .overlay circle"), key
    joined = set(page.evaluate("figures.find((f) => f.holder.dataset.figure === 'network').links.get(selected)"))
    assert len(page.query_selector_all("[data-figure=network] .overlay line")) == len(joined)


def test_table_shows_vibrations_and_free_energies_of_certified_minima(page, synthetic_run):
    heads = [th.inner_text() for th in page.query_selector_all("#minima-head th")]
    place = next(k for k, head in enumerate(heads) if head.startswith("softest vibration"))
    assert heads[place + 2].startswith("free energy, 300 K")
    certificates = {c.minimum: c for c in synthetic_run.certificates}
    rows = page.query_selector_all("#minima-body tr")[:12]
    texts = [[td.inner_text() for td in row.query_selector_all("td")] for row in rows]
    ids = [int(row.get_attribute("data-id")) for row in rows]
    assert [cells[place] for cells in texts] == [f"{certificates[i].lowest_wavenumber:.1f}" for i in ids]
    assert [cells[place + 2] == "–" for cells in texts] == [False] * 10 + [True] * 2


def test_click_on_a_missed_training_minimum_shows_it(page, synthetic_run):
    before = page.evaluate(PICTURE)
    row = page.query_selector("#panel-training tr[data-id]")
    row.click()
    assert page.inner_text("#shown-title") == f"Training minimum {row.query_selector('td').inner_text()}, not found"
    assert page.evaluate(PICTURE) != before
    assert len(page.query_selector_all("[data-figure=map] .overlay circle")) == 1


def test_rings_are_around_the_points_of_the_selected_minimum(page):
    page.query_selector_all("#minima-body tr")[3].click()
    centre, ring = page.evaluate("""() => {
      const at = (part) => { const b = part.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; };
      const holder = document.querySelector('[data-figure=map]');
      const figure = figures.find((f) => f.holder === holder);
      const [[t, k]] = figure.places.get(selected);
      const points = holder.querySelectorAll(`.trace${holder._fullData[t].uid} .points path`);
      return [at(points[k]), at(holder.querySelector('.overlay circle'))];
    }""")
    assert ring == pytest.approx(centre, abs=1.5)


def test_toolbars_have_the_listed_buttons_only_and_nothing_is_uploaded(page):
    titles = page.evaluate("[...new Set([...document.querySelectorAll('.modebar-btn')].map((b) => b.dataset.title))]")
    assert set(titles) == {"Download plot", "Zoom", "Pan", "Zoom in", "Zoom out", "Reset axes"}
    servers = page.evaluate("[...document.querySelectorAll('.figure')].map((f) => f._context.plotlyServerURL)")
    assert set(servers) == {""}


def test_on_a_telephone_nothing_is_cut_the_card_scrolls_away_and_facts_have_room(browser, report):
    page = opened(browser, report, width=390)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate(CUT_TEXTS) == []
    assert page.evaluate("getComputedStyle(document.querySelector('aside')).position") == "static"
    heights = page.evaluate("[...document.querySelectorAll('#facts dd')].map((d) => d.getBoundingClientRect().height)")
    assert max(heights) < 80


def test_the_axis_of_expected_errors_has_numbers(page):
    texts = "[...document.querySelectorAll('[data-figure=reliability] .ytick text')].map((t) => Number(t.textContent))"
    ticks = page.evaluate(texts)
    assert 3 <= len(ticks) <= 7
    assert ticks == sorted(ticks)
    assert min(ticks) > 0


def test_without_javascript_the_lowest_minima_are_a_table(browser, report, synthetic_run):
    context = browser.new_context(offline=True, java_script_enabled=False)
    page = context.new_page()
    page.goto(report.as_uri())
    lowest = min(synthetic_run.minima, key=lambda m: m.energy)
    cells = [td.inner_text() for td in page.query_selector_all("#panel-minima noscript tbody tr:first-child td")]
    assert cells[:2] == ["1", str(lowest.id)]
    assert "need JavaScript" in page.inner_text("header")
    context.close()


def test_a_selection_among_a_thousand_minima_takes_less_than_a_tenth_of_a_second(browser, tmp_path, run_factory):
    page = opened(browser, write_page(run_factory(1000), tmp_path / "index.html"))
    milliseconds = page.evaluate("""() => byEnergy.slice(0, 10).map((id) => {
      const start = performance.now();
      select(id);
      document.body.offsetHeight; // layout
      return performance.now() - start;
    })""")
    assert min(milliseconds) < 100


def test_buttons_step_through_the_minima_by_energy(page, synthetic_run):
    order = sorted(synthetic_run.minima, key=lambda m: m.energy)
    page.query_selector("#minima-body tr").click()
    page.click("#next")
    assert page.inner_text("#shown-title") == f"Minimum {order[1].id}"
    page.click("#previous")
    page.click("#previous")
    assert page.inner_text("#shown-title") == f"Minimum {order[0].id}"


def test_drag_and_wheel_change_the_view_and_reset_brings_it_back(page):
    page.click("#reset")
    first = page.evaluate(PICTURE)
    box = page.query_selector("#viewer").bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 160, box["y"] + 130)
    page.mouse.up()
    turned = page.evaluate(PICTURE)
    page.mouse.wheel(0, -300)
    page.wait_for_timeout(100)
    assert len({first, turned, page.evaluate(PICTURE)}) == 3
    page.mouse.move(5, 5)
    page.click("#reset")
    assert page.evaluate(PICTURE) == first


def test_populations_follow_the_chosen_temperature(page, synthetic_run):

    conformers = [m for m in synthetic_run.minima if m.structure_class.is_conformer]
    energies = np.array([m.energy for m in conformers])
    for kelvin in (100.0, 500.0):
        weights = np.exp(-(energies - energies.min()) / (BOLTZMANN * kelvin))
        page.fill("#temperature", f"{kelvin:g}")
        page.press("#temperature", "Enter")
        shown = page.evaluate("populations")
        wanted = dict(zip([m.id for m in conformers], weights / weights.sum(), strict=True))
        assert [p is not None for p in shown] == [m.id in wanted for m in synthetic_run.minima]
        assert max(abs(shown[i] - p) for i, p in wanted.items()) < 1e-4


def test_a_minimum_merged_with_its_mirror_image_counts_twice(page, synthetic_run):
    conformers = [m for m in synthetic_run.minima if m.structure_class.is_conformer]
    degeneracies = np.ones(len(conformers))
    degeneracies[0] = 2
    wanted = populations(np.array([m.energy for m in conformers]), 300.0, degeneracies)
    shown = page.evaluate(f"minima.degeneracy[{conformers[0].id}] = 2, boltzmann(300)")
    page.evaluate(f"minima.degeneracy[{conformers[0].id}] = 1")
    assert [shown[m.id] for m in conformers] == pytest.approx(wanted, abs=1e-4)


def test_click_on_a_heading_sorts_the_table(page):
    page.select_option("#row-limit", "0")
    page.click("#minima-head button:has-text('visits')")
    page.click("#minima-head button:has-text('visits')")
    visits = [int(cell.inner_text()) for cell in page.query_selector_all("#minima-body td:nth-child(7)")]
    assert len(visits) == 60
    assert visits == sorted(visits, reverse=True)
    page.click("#minima-head button:has-text('energy')")


def test_download_is_the_shown_structure(page, synthetic_run):

    page.query_selector("#minima-body tr:nth-child(4)").click()
    with page.expect_download() as download:
        page.click("#download")
    atoms = ase.io.read(io.StringIO(download.value.path().read_text()), format="xyz")
    chosen = synthetic_run.minima[int(page.evaluate("selected"))]
    assert np.array_equal(atoms.numbers, synthetic_run.molecule.atomic_numbers)
    _, squared = superpose(centred(chosen.positions), centred(atoms.positions))
    assert np.sqrt(squared / len(atoms)) < 1e-3


def test_empty_run_says_why_each_panel_is_empty(browser, tmp_path, run_factory):
    nothing = {"minima": (), "hops": (), "rounds": (), "visits": {}, "certificates": (), "saddles": ()}
    run = replace(run_factory(1), **nothing, comparison=None, validation=None, finished="")
    page = opened(browser, write_page(run, tmp_path / "empty.html"))
    assert page.complaints == []
    assert len(page.query_selector_all(".absent")) >= 10
    assert all(len(panel.inner_text()) > 60 for panel in page.query_selector_all(".panel"))


def test_a_path_plays_only_on_request_and_its_slider_takes_arrow_keys(browser, tmp_path):
    page = opened(browser, write_page(write_connected_run(tmp_path / "run"), tmp_path / "path.html"))
    frame, label = page.locator("#path-frame"), page.locator("#path-label")
    page.wait_for_timeout(300)
    assert (frame.input_value(), label.inner_text()) == ("0", "minimum 0, 0.00 kcal/mol")
    frame.press("ArrowRight")
    assert label.inner_text() == "between minimum 0 and saddle 1 (interpolated)"
    page.locator("#path-play").press("Enter")
    for _ in range(100):
        page.wait_for_timeout(50)
        if int(frame.input_value()) > 3:
            break
    page.locator("#path-play").press("Enter")
    assert int(frame.input_value()) > 3
    stopped = frame.input_value()
    page.wait_for_timeout(300)
    assert frame.input_value() == stopped
    assert page.complaints == []
    page.context.close()
