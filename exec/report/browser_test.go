package report

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// browse opens a page in a browser without a window, lets a script play the person, and
// returns what the page is then.
func browse(t *testing.T, page []byte, script string) string {
	t.Helper()
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("there is no chromium")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "page.html")
	text := strings.Replace(string(page), "</body>", "<script>"+script+"</script></body>", 1)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, browser, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+filepath.Join(dir, "profile"), "--dump-dom", "file://"+file)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("chromium: %v", err)
	}
	return string(out)
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
