/**
 * What applies a topology, and says how that went: half of all modules of a start. It is loaded while
 * the handlers are, on their thread, and so costs a start nothing.
 */
export async function loadApplying() {
  const [{ applyTopology }, { blockedError, blockingProblems, formatReport }] = await Promise.all([
    import("../../apply/change/apply.ts"),
    import("../../apply/change/report.ts"),
  ]);
  return { applyTopology, blockedError, blockingProblems, formatReport };
}

/** What compares a topology with the broker: a start can do without. */
export async function loadPlanning() {
  const [{ planTopology }, { planDocument }, { isDifferent }] = await Promise.all([
    import("../../apply/plan/look.ts"),
    import("../../apply/plan/document.ts"),
    import("../../apply/plan/plan.ts"),
  ]);
  return { planTopology, planDocument, isDifferent };
}
