package report

import (
	"context"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// browser finds Chromium: the one without windows that tests/run.sh installs, or the whole one.
func browser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium-headless-shell", "chromium"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("there is no chromium")
	return ""
}

// open opens a page in a browser without a window and returns what it prints. The limit only
// ends what hangs: how fast the machine is decides nothing here.
func open(t *testing.T, page string, options ...string) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "page.html")
	if err := os.WriteFile(file, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, browser(t), append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--user-data-dir=" + filepath.Join(dir, "profile"),
	}, append(options, "file://"+file)...)...)
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_CONFIG_HOME="+dir, "XDG_CACHE_HOME="+dir)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output() // ends when all its processes have closed what they write to
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, said.String())
	}
	return string(out)
}

// browse opens a page, lets a script play the person, and returns what the page is then.
func browse(t *testing.T, page []byte, script string) string {
	t.Helper()
	return open(t, strings.Replace(string(page), "</body>", "<script>"+script+"</script></body>", 1), "--dump-dom")
}

// shoot opens a page and returns what a person sees of it.
func shoot(t *testing.T, page []byte, options ...string) image.Image {
	t.Helper()
	file := filepath.Join(t.TempDir(), "shot.png")
	open(t, string(page), append(options, "--window-size=1280,1500", "--screenshot="+file)...)
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	shot, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	return shot
}

const play = `
const press = (id, key) => document.getElementById(id).dispatchEvent(new KeyboardEvent("keydown", { key, cancelable: true }));
const say = (id, text) => document.body.append(Object.assign(document.createElement("p"), { id, textContent: text }));
`

func TestPageIsSearchedSortedAndWalked(t *testing.T) {
	dom := browse(t, sample().Page("/p"), play+`
say("first", [...document.querySelectorAll("#rows tr")].map((r) => r.cells[0].textContent).join(" "));
document.querySelector("th[data-column=shown] button").click();
say("sorted", [...document.querySelectorAll("#rows tr")].map((r) => r.cells[0].textContent).join(" ") + " " + document.querySelector("th[aria-sort]").dataset.column);
document.querySelector("#counts button[data-outcome=failed]").click();
say("failed", document.getElementById("found").textContent);
document.querySelector("#counts button[data-outcome=failed]").click();
document.getElementById("search").value = "a.o";
document.getElementById("search").dispatchEvent(new Event("input"));
say("searched", document.getElementById("found").textContent);
document.querySelector("#rows button").click();
say("detail", document.getElementById("detail").textContent);
press("timeline", "End");
say("walked", document.getElementById("timeline").getAttribute("aria-label") + " " + document.querySelector("#detail h3").textContent);
for (const key of ["+", "-", "0", "ArrowLeft", "ArrowUp"]) { press("graph", key); press("timeline", key); }
document.querySelector("#detail li button")?.click();
say("followed", document.querySelector("#detail h3").textContent);
`)
	for _, want := range []string{
		`<p id="sorted">a.o prog sub/b.o shown</p>`,
		`<p id="failed">1 of 3 targets</p>`,
		`<p id="searched">1 of 3 targets</p>`,
		`x.h`, `y z.h`,
		`<p id="walked">prog: recipe, took 5.0 ms, began at 4.0 ms prog</p>`,
		`aria-pressed="false"`,
	} {
		if !strings.Contains(dom, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	_, detail, _ := strings.Cut(dom, `<p id="detail">`)
	detail, _, _ = strings.Cut(detail, "</p>")
	for _, want := range []string{"a.o", "It is up to date, though a prerequisite is newer", "It read 3 files", "Needs (1)sub/b.o (learned)", "Needed by (1)prog", "Read and not declared"} {
		if !strings.Contains(detail, want) {
			t.Errorf("the detail %q has no %q", detail, want)
		}
	}
}

func TestPageOfALargeBuildOpensSoon(t *testing.T) {
	dom := browse(t, large(10_000).Page("/p"), play+`
say("rows", document.querySelectorAll("#rows tr").length + " rows");
say("ready", "ready after " + Math.round(performance.now()) + " ms");
`)
	if !strings.Contains(dom, `<p id="rows">100 rows</p>`) {
		t.Error("the table has not 100 rows")
	}
	_, ready, found := strings.Cut(dom, `<p id="ready">`)
	if !found {
		t.Fatal("the page was not drawn")
	}
	ready, _, _ = strings.Cut(ready, "</p>")
	t.Log(ready)
}

// TestPageIsSeen: in light and in dark the page has its colours, the timeline has a bar for each
// recipe, outlined if it is on the critical chain, and the graph its targets.
func TestPageIsSeen(t *testing.T) {
	page := sample().Page("/p")
	for _, look := range []struct {
		name                      string
		options                   []string
		paper, ran, failed, chain color.RGBA
	}{
		{"light", nil, rgb(0xfdfdfc), rgb(0xb7791f), rgb(0xc0392b), rgb(0x1d1f21)},
		{"dark", []string{"--blink-settings=preferredColorScheme=0"}, rgb(0x17191c), rgb(0xe0a84a), rgb(0xf0796b), rgb(0xffffff)},
	} {
		shot := shoot(t, page, look.options...)
		if got := shot.At(2, 2); !same(got, look.paper) {
			t.Errorf("%s: the paper is %v, want %v", look.name, got, look.paper)
		}
		for _, c := range []struct {
			what  string
			color color.RGBA
			least int
		}{{"recipes that ran", look.ran, 5000}, {"a recipe that failed", look.failed, 1000}, {"the outline of the chain", look.chain, 500}} {
			if n := count(shot, c.color); n < c.least {
				t.Errorf("%s: %s: %d points, want at least %d", look.name, c.what, n, c.least)
			}
		}
	}
}

func rgb(c uint32) color.RGBA { return color.RGBA{uint8(c >> 16), uint8(c >> 8), uint8(c), 255} }

func same(c color.Color, want color.RGBA) bool {
	return color.RGBAModel.Convert(c) == want
}

func count(shot image.Image, want color.RGBA) (n int) {
	for y := shot.Bounds().Min.Y; y < shot.Bounds().Max.Y; y++ {
		for x := shot.Bounds().Min.X; x < shot.Bounds().Max.X; x++ {
			if same(shot.At(x, y), want) {
				n++
			}
		}
	}
	return n
}
