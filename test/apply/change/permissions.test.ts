/** What a user may not do is said with the object and the permission, and the rest is done. */
import { expect, test } from "../../support/test.ts";
import { apply, changesOf, objectsIn, PRUNE, stateOf, WAYS } from "../applying.ts";

const TOPOLOGY = `
exchanges: { x: { type: topic }, secret: { type: topic } }
queues:
  open: { type: classic, bind: [{ x: "#" }, { secret: "#" }], handler: none, deadLetter: none }
  hidden: { type: classic, bind: { x: "#" }, handler: none, deadLetter: none }
`.replace('bind: [{ x: "#" }, { secret: "#" }]', 'bind: { x: "#", secret: "#" }');
const OURS = "^(x|open|warren[.].*|amq[.]default)$";

test.for(WAYS)(
  "over %s, refused objects are named with the permission, and what needs them is not bound",
  async (way, { vhost, user }) => {
    await user.allow({ configure: OURS });
    const report = await apply(vhost, TOPOLOGY, { way, url: user.url });
    expect(report).toMatchObject({ isDone: false, generation: 1 });
    expect(changesOf(report)).toEqual([
      "created exchange x",
      expect.stringMatching(
        /^refused exchange secret: 403 configure access to exchange 'secret' .*refused for user/,
      ),
      "created queue open",
      expect.stringMatching(
        /^refused queue hidden: 403 configure access to queue 'hidden' .*refused for user/,
      ),
      "created binding x -> open  #",
      "refused binding secret -> open  #: not bound, since exchange secret is not there",
      "refused binding x -> hidden  #: not bound, since queue hidden is not there",
    ]);
    const made = ["q open", "q warren.test.state", "x -> open #", "x x"];
    expect(await objectsIn(vhost)).toEqual(made);
    expect((await stateOf(vhost))?.owned).toMatchObject({ exchanges: ["x"], queues: ["open"] });

    await user.allow({});
    const allowed = await apply(vhost, TOPOLOGY, { way, url: user.url });
    expect(allowed).toMatchObject({ isDone: true, generation: 2 });
  },
);

test("a binding and an unbinding that are refused name the end and the permission", async ({
  vhost,
  user,
}) => {
  const text = (bind: string) => `
exchanges: { x: { type: topic }, y: { type: topic } }
queues: { q: { type: classic, bind: ${bind}, handler: none, deadLetter: none } }
`;
  await apply(vhost, text('{ x: "#" }'), { url: user.url });
  await user.allow({ read: "^(warren[.].*|y)$", write: "^(q|warren[.].*|amq[.]default)$" });
  const report = await apply(vhost, text('{ y: "#" }'), { url: user.url });
  expect(changesOf(report)).toEqual([
    "created binding y -> q  #",
    expect.stringMatching(/^refused binding x -> q {2}#: 403 read access to exchange 'x'/),
  ]);
  // It is there, so it is still ours to unbind.
  expect((await stateOf(vhost))?.owned.bindings).toMatchObject([{ source: "x" }, { source: "y" }]);
});

test("a removal that is refused names the object, and the others go", async ({ vhost, user }) => {
  const text = (rest: string) => `
exchanges: { x: { type: fanout } }
queues:
  q: { type: classic, bind: x, handler: none, deadLetter: none }
  ${rest}
`;
  const rest = `r: { type: classic, handler: none, deadLetter: none }
  s: { type: classic, handler: none, deadLetter: none }`;
  await apply(vhost, text(rest), { url: user.url });
  await user.allow({ configure: "^(r|warren[.].*)$" });
  const report = await apply(vhost, text(""), { url: user.url, permissions: PRUNE });
  expect(changesOf(report)).toEqual([
    "removed queue r",
    expect.stringMatching(/^refused queue s: 403 configure access to queue 's'/),
  ]);
});

test("who may not write the state is told so, with the permission that it takes", async ({
  vhost,
  user,
}) => {
  await user.allow({ write: "^(x|open|hidden|secret|warren[.].*)$" });
  await expect(apply(vhost, TOPOLOGY, { url: user.url })).rejects.toMatchObject({
    code: "access-refused",
    message: expect.stringMatching(/"warren.test.state": 403 .*'amq.default'|default exchange/),
  });
  // It is noted before anything is made, so nothing was.
  expect(await objectsIn(vhost)).toEqual(["q warren.test.state"]);
});
