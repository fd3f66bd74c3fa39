// Brings one proposed change into main with GitHub's own client; one JSON line a step.
import { Octokit } from "@octokit/rest";

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const { HUB, TOKEN, NUMBER, COMMIT } = process.env;
const octokit = new Octokit({ baseUrl: HUB, auth: TOKEN, log: silent });
const here = { owner: "drillbook-range", repo: "booking" };
const pull_number = Number(NUMBER);

async function step(words, work, wanted) {
  let says;
  try {
    says = String(await work());
  } catch (error) {
    says = `${error.status} ${error.message}`.split("\n")[0];
  }
  console.log(JSON.stringify({ words, ok: wanted.test(says), says }));
}

await step("users.getAuthenticated", async () => {
  return (await octokit.users.getAuthenticated()).data.login;
}, /^octokit-user$/);
await step("pulls.list", async () => {
  return (await octokit.pulls.list(here)).data.map((one) => one.number);
}, new RegExp(`\\b${NUMBER}\\b`));
await step("pulls.createReview", async () => {
  const said = { ...here, pull_number, event: "APPROVE", commit_id: COMMIT };
  return (await octokit.pulls.createReview(said)).data.state;
}, /^APPROVED$/);
await step("checks.listForRef, until completed", async () => {
  for (let look = 0; look < 300; look += 1) {
    const runs = (await octokit.checks.listForRef({ ...here, ref: COMMIT })).data.check_runs;
    const done = runs.filter((run) => run.status === "completed");
    if (done.length > 0) return done.map((run) => `${run.name} ${run.conclusion}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return "never";
}, /^test success$/);
await step("actions.listWorkflowRunsForRepo", async () => {
  const said = { ...here, head_sha: COMMIT };
  return (await octokit.actions.listWorkflowRunsForRepo(said)).data.workflow_runs.length;
}, /^1$/);
await step("pulls.merge of another commit", async () => {
  return (await octokit.pulls.merge({ ...here, pull_number, sha: "0".repeat(40) })).data.sha;
}, /^409 Head branch was modified/);
await step("pulls.merge", async () => {
  return (await octokit.pulls.merge({ ...here, pull_number, sha: COMMIT })).data.message;
}, /successfully merged/);
await step("pulls.merge again", async () => {
  return (await octokit.pulls.merge({ ...here, pull_number, sha: COMMIT })).data.sha;
}, /^405 /);
await step("repos.merge develop into main", async () => {
  return (await octokit.repos.merge({ ...here, base: "main", head: "develop" })).data.parents.length;
}, /^2$/);
await step("repos.merge again", async () => {
  return (await octokit.repos.merge({ ...here, base: "main", head: "develop" })).status;
}, /^204$/);
await step("repos.compareCommitsWithBasehead", async () => {
  const said = { ...here, basehead: `main...${COMMIT}` };
  return (await octokit.repos.compareCommitsWithBasehead(said)).data.status;
}, /^behind$/);
await step("repos.getContent", async () => {
  const { data } = await octokit.repos.getContent({ ...here, path: "vercel.json", ref: "main" });
  return Object.keys(JSON.parse(Buffer.from(data.content, "base64").toString())).length > 0;
}, /^true$/);
await step("issues.create, paginate issues.listForRepo", async () => {
  for (let number = 0; number < 3; number += 1) {
    await octokit.issues.create({ ...here, title: `Octokit ${number}`, labels: ["octokit"] });
  }
  const said = { ...here, labels: "octokit", per_page: 2 };
  return (await octokit.paginate(octokit.issues.listForRepo, said)).length;
}, /^3$/);
await step("repos.createDeployment, …Status", async () => {
  const { data } = await octokit.repos.createDeployment({ ...here, ref: "main" });
  const said = { ...here, deployment_id: data.id, state: "success" };
  return (await octokit.repos.createDeploymentStatus(said)).data.state;
}, /^success$/);
