// Whether docs/api/openapi.yaml is what it says it is, by a validator that is not ours: node openapi.mjs FILE
import { readFileSync } from "node:fs";
import { Validator } from "@seriousme/openapi-schema-validator";

async function errors(text) {
  const { valid, errors } = await new Validator().validate(text);
  return valid ? null : JSON.stringify(errors, null, 1);
}

/// Each is a mistake that a hand may make; a validator that takes one would take anything.
const mistakes = [
  ["a response without a description", /description: Logged in\. .*\n/, "x-was: there\n"],
  ["a type that there is not", "type: boolean", "type: truth"],
  ["a method that there is not", "    delete:\n", "    remove:\n"],
  ["no version", /  version: .*\n/, ""],
];

const text = readFileSync(process.argv[2], "utf8");
const wrong = await errors(text);
if (wrong) {
  console.error(`${process.argv[2]} is not valid: ${wrong}`);
  process.exit(1);
}
for (const [name, good, bad] of mistakes) {
  const broken = text.replace(good, bad);
  if (broken === text || !(await errors(broken))) {
    console.error(`the validator takes a file with ${name}`);
    process.exit(1);
  }
}
console.log(`valid, and each of ${mistakes.length} broken copies is not`);
