// pages.mjs: every sample page in a real browser, under the policy that it is served with.
//
//   node pages.mjs SAMPLES PICTURES     SAMPLES as page_samples wrote them; screenshots go to PICTURES
//
// At a phone's width and a desktop's, in the light and in the dark: no finding of axe-core, nothing that runs over
// the edge, nothing that the content policy stops, at most three requests and 50 KiB.  Then what is done with them:
// without the script, with the keyboard, and a phone's view of the QR code.  Prints a line for what is wrong; exits 1.
import { mkdirSync, readFileSync, readdirSync } from "node:fs";
import { createServer } from "node:http";
import path from "node:path";
import { complaints, findings, launch, scan, unfold } from "./chromium.mjs";

const [samples, pictures] = process.argv.slice(2).map((name) => path.resolve(name));
if (!pictures) {
  console.error("usage: node pages.mjs SAMPLES PICTURES");
  process.exit(64);
}

const kMostOctets = 50 * 1024;
const kMostRequests = 3; // the page, its style, its script
const kPolicy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; form-action 'self'";
const kTypes = { ".html": "text/html; charset=utf-8", ".css": "text/css", ".js": "text/javascript", "": "image/svg+xml" };
const kWidths = { phone: { width: 320, height: 640 }, desktop: { width: 1280, height: 900 } };

let checks = 0;
let failures = 0;
function expect(holds, what) {
  checks += 1;
  if (holds) return;
  failures += 1;
  console.log(`FAILED ${what}`);
}

function serve(directory) {
  const server = createServer((request, response) => {
    const name = path.join(directory, path.normalize(new URL(request.url, "http://localhost").pathname));
    try {
      const body = readFileSync(name);
      response.writeHead(200, { "Content-Type": kTypes[path.extname(name)], "Content-Security-Policy": kPolicy });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

// What a page does while it is loaded, kept for the checks.
async function open(context, address) {
  const page = await context.newPage();
  const seen = { octets: 0, requests: 0, complaints: complaints(page) };
  const bodies = [];
  page.on("response", (response) => {
    if (response.url().startsWith("data:")) return;
    seen.requests += 1;
    bodies.push(response.body().then((body) => (seen.octets += body.length)));
  });
  await page.goto(address, { waitUntil: "load" });
  await Promise.all(bodies);
  return { page, seen };
}

async function check_page(context, origin, set, file, name) {
  const { page, seen } = await open(context, `${origin}/${file}`);
  for (const colorScheme of ["dark", "light"]) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: path.join(pictures, `${name}-${colorScheme}.png`), fullPage: true });
  }
  await unfold(page);
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    for (const found of await findings(page)) expect(false, `${name}, ${colorScheme}: ${found}`);
  }
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(over <= 0, `${name}: runs ${over} pixels over the edge`);
  expect(seen.complaints.length === 0, `${name}: ${seen.complaints.join("; ")}`);
  expect(seen.octets <= kMostOctets, `${name}: ${seen.octets} octets`);
  expect(seen.requests <= kMostRequests + (set === "branded" ? 1 : 0), `${name}: ${seen.requests} requests`);
  await page.close();
  return seen.octets;
}

async function check_all(browser, origin, set, files) {
  let most = 0;
  for (const [width, viewport] of Object.entries(kWidths)) {
    // Without motion: a colour on its way to another is neither.
    const context = await browser.newContext({ viewport, deviceScaleFactor: 1, reducedMotion: "reduce" });
    for (const file of files) {
      const name = `${set}-${path.basename(file, ".html")}-${width}`;
      most = Math.max(most, await check_page(context, origin, set, file, name));
    }
    await context.close();
  }
  console.log(`${set}: ${files.length} pages, ${most} octets at most`);
}

// A phone in front of the screen: the picture, in both schemes and as small as it gets.
async function check_picture(browser, origin) {
  const uri = "otpauth://totp/Example%20Ltd:alice?";
  for (const [width, viewport] of Object.entries(kWidths)) {
    for (const colorScheme of ["light", "dark"]) {
      const context = await browser.newContext({ viewport, colorScheme });
      const { page } = await open(context, `${origin}/proof.html`);
      const picture = path.join(pictures, `seen-by-a-phone-${width}-${colorScheme}.png`);
      await page.screenshot({ path: picture, fullPage: true });
      const read = scan(picture);
      expect(read.startsWith(uri), `proof at ${width}, ${colorScheme}: the picture reads ${JSON.stringify(read)}`);
      await context.close();
    }
  }
}

async function check_without_script(browser, origin) {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`${origin}/register-open-refused.html`);
  expect((await page.locator(".peek, .strength, .tools").count()) === 0, "without the script: what needs it is shown");
  expect(await page.getByRole("button", { name: "Continue" }).isVisible(), "without the script: no way to go on");
  await page.goto(`${origin}/account.html`);
  expect(!(await page.getByRole("button", { name: "End it" }).isVisible()), "account: asks before anything is chosen");
  await page.locator("input[name=session]").nth(1).check();
  expect(await page.getByRole("button", { name: "End it" }).isVisible(), "without the script: no session can be ended");
  await page.getByText("Change your password").click();
  expect(await page.getByRole("button", { name: "Change the password" }).isVisible(), "without the script: folded for good");
  await context.close();
}

async function check_new_password(browser, origin) {
  const context = await browser.newContext();
  const { page } = await open(context, `${origin}/register-open-refused.html`);
  const password = page.locator("[data-strength]");
  const strength = page.locator(".strength");
  const tries = [["short", "0", "Too short"], ["aaaaaaaaaaaa", "1", "Easy"], ["alicealice1", "1", "Easy"],
    ["abcdefghijkl", "1", "Easy"], ["Password123", "1", "Easy"], ["gift-Kranich-47-lampe", "4", "Very good"]];
  for (const [typed, level, words] of tries) {
    await password.fill(typed);
    const told = await strength.textContent();
    expect(told.includes(words), `strength of ${typed}: ${told}, not ${words}`);
    const shown = await strength.getAttribute("data-level");
    expect(shown === level || words === "Too short", `strength of ${typed}: level ${shown}, not ${level}`);
  }
  const again = page.locator("[data-same]");
  await again.fill("gift-Kranich-47-lamqe");
  expect(!(await again.evaluate((input) => input.checkValidity())), "another password the second time is accepted");
  await again.fill("gift-Kranich-47-lampe");
  expect(await again.evaluate((input) => input.checkValidity()), "the same password the second time is refused");

  await page.getByRole("button", { name: "Show: New password", exact: true }).click();
  expect((await password.getAttribute("type")) === "text", "a password is not shown on request");
  await page.getByRole("button", { name: "Hide: New password", exact: true }).click();
  expect((await password.getAttribute("type")) === "password", "a password is not hidden again");
  await context.close();
}

async function check_codes(browser, origin) {
  const context = await browser.newContext({ permissions: ["clipboard-read", "clipboard-write"] });
  const { page } = await open(context, `${origin}/recovery-codes.html`);
  await page.getByRole("button", { name: "Copy the codes" }).click();
  await page.getByText("Copied.").waitFor();
  const copied = (await page.evaluate(() => navigator.clipboard.readText())).trim().split(/\s+/);
  const shown = await page.locator(".codes code").allTextContents();
  expect(shown.length === 10 && copied.join() === shown.join(), `copied ${copied.join()}`);
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  await page.screenshot({ path: path.join(pictures, "recovery-codes-printed.png"), fullPage: true });
  expect(await page.locator(".codes").isVisible(), "codes are not printed");
  const papers = await page.evaluate(() =>
    [document.body, ...document.querySelectorAll("main, .codes")].map((e) => getComputedStyle(e).backgroundColor));
  expect(papers.join(" ") === "rgb(255, 255, 255) rgba(0, 0, 0, 0) rgba(0, 0, 0, 0)",
    `who reads in the dark prints on ${papers}`);
  expect(!(await page.getByRole("button").first().isVisible()), "buttons are printed");
  await context.close();
}

async function check_keyboard(browser, origin) {
  const context = await browser.newContext({ reducedMotion: "reduce" });
  const { page } = await open(context, `${origin}/account.html`);
  await page.keyboard.press("Tab");
  const skip = page.locator(".skip");
  expect(await skip.evaluate((link) => link === document.activeElement), "the first stop is not the skip link");
  expect((await skip.boundingBox()).y >= 0, "the skip link stays out of sight");
  await page.keyboard.press("Enter");
  expect((await page.evaluate(() => document.activeElement.id)) === "main", "the skip link skips nothing");
  await page.keyboard.press("Tab");
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  expect(outline !== "none", "the focus cannot be seen");
  expect((await page.evaluate(() => getComputedStyle(document.querySelector("button")).transitionDuration)) === "0s",
    "things move for who asked for less motion");

  await page.goto(`${origin}/login.html`);
  // A browser moves to where it is told to begin when it first draws the page, which may be after its load.
  const begins = page.locator("#username:focus").waitFor().then(() => true, () => false);
  expect(await begins, "the name is not asked for first");
  await page.locator("#code").fill("123 456");
  expect((await page.locator("#code").inputValue()) === "123456", "a blank in a pasted code stays");
  await page.locator("#code").fill("7K3M-9QXT-2FHW-LD5R");
  expect((await page.locator("#code").inputValue()).length === 19, "a recovery code does not fit");
  await context.close();
}

async function check_forced_colours(browser, origin) {
  const context = await browser.newContext({ forcedColors: "active", viewport: kWidths.desktop });
  const { page } = await open(context, `${origin}/account-sessions-refused.html`);
  await page.screenshot({ path: path.join(pictures, "account-forced-colours.png"), fullPage: true });
  const border = await page.evaluate(() => getComputedStyle(document.querySelector(".notice")).borderTopStyle);
  expect(border === "solid", "a notice has no edge where colours are forced");
  await context.close();
}

mkdirSync(pictures, { recursive: true });
const browser = await launch();
try {
  for (const set of ["own", "branded"]) {
    const server = await serve(path.join(samples, set));
    const origin = `http://127.0.0.1:${server.address().port}`;
    const all = readdirSync(path.join(samples, set)).filter((file) => file.endsWith(".html"));
    expect(all.length > 10, `${set}: only ${all.length} pages`);
    // The operator's colours and logo are on few kinds of things; the pages are the same.
    const files = set === "own" ? all : ["account-password-refused.html", "login-refused.html", "proof.html"];
    await check_all(browser, origin, set, files);
    if (set === "own") {
      for (const check of [check_picture, check_without_script, check_new_password, check_codes, check_keyboard,
        check_forced_colours]) await check(browser, origin);
    }
    server.close();
  }
} finally {
  await browser.close();
}
console.log(`${checks - failures} passed, ${failures} failed`);
process.exitCode = failures > 0 || checks === 0 ? 1 : 0;
