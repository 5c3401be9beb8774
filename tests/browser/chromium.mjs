// chromium.mjs: Debian's browser, what it complains of, and what axe-core finds in a page.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    chromiumSandbox: process.getuid() !== 0,
  });
}

// Errors on the console, which is also where the content policy says what it stopped; the list grows as they come.
export function complaints(page) {
  const heard = [];
  page.on("console", (message) => message.type() === "error" && heard.push(message.text()));
  page.on("pageerror", (error) => heard.push(error.message));
  return heard;
}

// All that is folded up is unfolded, or axe would not see it.
export async function unfold(page) {
  await page.evaluate(() => document.querySelectorAll("details").forEach((details) => (details.open = true)));
  for (const radio of await page.locator("fieldset .row:first-of-type input").all()) await radio.check();
}

export async function findings(page) {
  await page.evaluate(axe); // by the debugger, so that the policy can stay in force
  const result = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return result.violations.map((v) => `${v.id}: ${v.help} (${v.nodes.map((n) => n.target).join(", ")})`);
}

// What a phone reads in front of the screen; "" where it finds no code.
export function scan(picture) {
  try {
    return execFileSync("zbarimg", ["-q", "--raw", picture], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  } catch {
    return "";
  }
}
