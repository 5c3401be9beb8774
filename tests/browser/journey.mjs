// journey.mjs: somebody with a browser, an authenticator app and an invitation, at the real daemon.
//
//   node journey.mjs ORIGIN INVITATION PICTURES     screenshots go to PICTURES
//
// Registers, with the QR code read from the screen; logs in, changes the password, logs out, tries a spent code; logs in
// once more without JavaScript, by a recovery code.  Every page on the way is held to a silent console, and to axe-core
// where scripts run.
// Prints what it did, a line each; the first that is not as it should be ends the journey, with exit code 1.
import { execFileSync } from "node:child_process";
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { complaints, findings, launch, scan, unfold } from "./chromium.mjs";

const [origin, invitation, pictures] = process.argv.slice(2);
if (!pictures) {
  console.error("usage: node journey.mjs ORIGIN INVITATION PICTURES");
  process.exit(64);
}

const kStep = 30; // seconds that a code stands
const kViewport = { width: 600, height: 900 };
const kPassword = "gift-Kranich-47-lampe";
const kNewPassword = "wolke-Ziegel-82-anker";

// The app on the phone.  A code works once and only forwards, and the server takes that of the coming step too: two in a
// row are to be had at once, for a third one waits.
class Authenticator {
  constructor(uri) {
    this.secret = new URL(uri).searchParams.get("secret");
    this.lastGiven = 0;
  }

  async next_code() {
    const now = () => Math.floor(Date.now() / 1000 / kStep);
    this.lastGiven = Math.max(now(), this.lastGiven + 1);
    while (this.lastGiven > now() + 1) await pause(kStep * 1000 - (Date.now() % (kStep * 1000)) + 10);
    const time = `--now=@${this.lastGiven * kStep}`;
    return execFileSync("oathtool", ["--totp", "--base32", time, "-"], { input: this.secret, encoding: "utf8" }).trim();
  }
}

async function visitor(browser, options) {
  // The certificate is the daemon's own; which one a client may trust is tested elsewhere.
  const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: kViewport, reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  page.heard = complaints(page);
  page.scripted = options.javaScriptEnabled !== false;
  page.told = options.name;
  return page;
}

// The page that has just come: its title, its picture, nothing found by axe-core, nothing on the console.
async function arrived(page, title, name, expected = []) {
  assert.equal(await page.locator("h1").textContent(), title);
  const picture = path.join(pictures, `${page.told}-${name}.png`);
  await page.screenshot({ path: picture, fullPage: true });
  if (page.scripted) { // axe-core is a script itself
    await unfold(page);
    assert.deepEqual(await findings(page), [], `${name}: axe-core`);
  }
  assert.deepEqual(page.heard.splice(0), expected, `${name}: on the console`);
  console.log(`${page.told}: ${title}`);
  return picture;
}

const press = (page, name) => page.getByRole("button", { name, exact: true }).click();

async function register(page) {
  await page.goto(`${origin}/register?invitation=${encodeURIComponent(invitation)}`);
  await page.getByLabel("New password", { exact: true }).fill(kPassword);
  await page.getByLabel("New password once more", { exact: true }).fill(kPassword);
  await arrived(page, "Create your account", "register");
  await press(page, "Continue");

  const picture = await arrived(page, "Set up your authenticator app", "proof");
  const uri = scan(picture).trim();
  assert.match(uri, /^otpauth:\/\/totp\/[^?]*carol\?/, "what the QR code on the screen reads");
  const app = new Authenticator(uri);
  await page.getByLabel("One-time code", { exact: true }).fill(await app.next_code());
  await press(page, "Create the account");

  await arrived(page, "Your recovery codes", "recovery-codes");
  const codes = await page.locator(".codes code").allTextContents();
  assert.equal(new Set(codes).size, 10, `recovery codes: ${codes}`);
  return { app, codes };
}

async function log_in(page, password, code, name = "login") {
  await page.getByLabel("User name", { exact: true }).fill("carol");
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByLabel("One-time code", { exact: true }).fill(code);
  await arrived(page, "Log in", name);
  await press(page, "Log in");
}

async function see_the_session(page, name) {
  await arrived(page, "Your account", name);
  assert.equal(new URL(page.url()).pathname, "/account");
  const sessions = page.getByRole("region", { name: "Where you are logged in" });
  assert.equal(await sessions.locator(".row", { hasText: "This one" }).count(), 1, "this session is listed once");
}

async function change_the_password(page, code) {
  const form = page.locator("form[action='/account/password']");
  await page.reload(); // folded up again
  await page.getByText("Change your password").click();
  await form.getByLabel("Your password", { exact: true }).fill(kPassword);
  await form.getByLabel("One-time code", { exact: true }).fill(code);
  await form.getByLabel("New password", { exact: true }).fill(kNewPassword);
  await form.getByLabel("New password once more", { exact: true }).fill(kNewPassword);
  await form.getByRole("button", { name: "Change the password" }).click();
  await page.getByRole("status").filter({ hasText: "The password has been changed" }).waitFor();
  await arrived(page, "Your account", "account-changed");
}

async function log_out(page) {
  await press(page, "Log out");
  await arrived(page, "You are logged out", "logged-out");
  await page.goto(`${origin}/account`);
  assert.equal(new URL(page.url()).pathname, "/login", "the account is shown to whoever has left");
}

async function be_refused(page, password, code) {
  await log_in(page, password, code, "login-again");
  await page.getByRole("alert").waitFor();
  await arrived(page, "Log in", "refused", ["Failed to load resource: the server responded with a status of 401 (Unauthorized)"]);
}

async function with_script(browser) {
  const page = await visitor(browser, { name: "with-script" });
  const { app, codes } = await register(page);
  await page.getByRole("link", { name: "I have kept them: go on" }).click();
  await log_in(page, kPassword, await app.next_code());
  await see_the_session(page, "account");
  const spent = await app.next_code();
  await change_the_password(page, spent);
  await log_out(page);
  await be_refused(page, kNewPassword, spent);
  await page.context().close();
  return codes;
}

async function without_script(browser, code) {
  const page = await visitor(browser, { name: "without-script", javaScriptEnabled: false });
  await page.goto(`${origin}/login`);
  await log_in(page, kNewPassword, code);
  await see_the_session(page, "account");
  await log_out(page);
  await page.context().close();
}

mkdirSync(pictures, { recursive: true });
const browser = await launch();
try {
  const codes = await with_script(browser);
  await without_script(browser, codes[0]);
} finally {
  await browser.close();
}
