// Makes a network, says what it is called, and waits to be killed.

import { createNetwork } from "./network.js";

const network = await createNetwork();
const [one, other] = [await network.namespace(), await network.namespace()];
await network.wire(one, other);
await network.wire(undefined, one);
process.stdout.write(`${one} ${other}\n`);
setInterval(() => {}, 1000);
