/** The page on the public port. */
export { createPageRouter } from "./page-router.ts";
export { PAGE_POLICY } from "./policy.ts";
