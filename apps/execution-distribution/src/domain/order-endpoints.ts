/** `GET /orders...`: orders listed by what they are and when they changed, one with its fills, and its fills alone. */
import { fieldError } from "@distribution/core/errors";
import { type Entry, mapAnswer, mapPage, type Projection } from "@distribution/core/projections";
import { arrayOf, schemaRef } from "@distribution/core/transport/documents";
import {
  defaultedQuery,
  defineRead,
  instant,
  integer,
  type Operation,
  oneOf,
  optionalQuery,
  pageAnswers,
  pageParameters,
} from "@distribution/core/transport/rest";
import { MAX_EXECUTIONS } from "./order.ts";
import { directionQuery, idQuery, instrumentQuery, orderIdPath, stateQuery } from "./parameters.ts";
import { ALL, type KnownOrder, ORDERS_BY } from "./read-models.ts";
import { TOPICS } from "./topics.ts";
import { executionView, orderView } from "./views.ts";
import { EXACT, PAGE, TAG } from "./wording.ts";
import type { OrderState } from "./words.ts";

type Orders = Projection<KnownOrder>;

const mayReadOrders = () => ({ kind: "read", topic: TOPICS.orders }) as const;

interface OrderFilter {
  readonly state: readonly OrderState[] | undefined;
  readonly portfolio_id: string | undefined;
  readonly instrument: string | undefined;
  readonly decision_id: string | undefined;
  readonly changed_from: bigint | undefined;
  readonly changed_to: bigint | undefined;
}

export function ordersOperation(orders: Orders): Operation {
  return defineRead({
    id: "listOrders",
    path: "/orders",
    tag: TAG,
    summary: "List orders",
    description: `All that is given must hold. A page looks at 10,000 orders at most: with several filters it may hold few, and still have a \`next\`. ${EXACT}`,
    parameters: {
      state: stateQuery,
      portfolio_id: idQuery("Orders of this portfolio."),
      instrument: instrumentQuery,
      decision_id: idQuery("Orders that carry out this decision."),
      changed_from: optionalQuery(instant(), { description: "Changed last at this time or after it, by `changedAt`." }),
      changed_to: optionalQuery(instant(), { description: "Changed last before this time, by `changedAt`." }),
      sort: defaultedQuery(oneOf(["changed", "created"]), "changed", { description: "By `changedAt` or `createdAt`." }),
      direction: directionQuery,
      ...pageParameters(PAGE, "Orders in one answer."),
    },
    answers: pageAnswers("Orders, without their fills.", { orders: arrayOf(schemaRef("Order")) }),
    errors: [],
    action: mayReadOrders,
    read({ values: { sort, direction, limit, cursor, ...filter } }) {
      const { changed_from: from, changed_to: to } = filter;
      if (from !== undefined && to !== undefined && to < from) {
        throw fieldError("invalid_request", "query.changed_to", "is before changed_from; no order is between them");
      }
      const answer = orders.list(ORDERS_BY[sort], {
        ...(sort === "changed" && { from, to }),
        ...{ group: groupOf(filter), where: (entry) => isWanted(entry, filter), order: direction, limit, cursor },
      });
      return mapPage(answer, "orders", viewOf);
    },
  });
}

export function orderOperation(orders: Orders): Operation {
  return defineRead({
    id: "readOrder",
    path: "/orders/{order_id}",
    tag: TAG,
    summary: "Read an order with its fills",
    description: `With the ${MAX_EXECUTIONS} newest of its fills, oldest first. ${EXACT}`,
    parameters: { order_id: orderIdPath },
    answers: {
      description: "The order and its fills.",
      properties: { order: schemaRef("Order"), executions: arrayOf(schemaRef("Execution")) },
    },
    errors: ["not_found"],
    action: mayReadOrders,
    read({ values: { order_id } }) {
      const answer = orders.read(order_id);
      const entry = orders.find(order_id)!;
      const executions = entry.state.order.executions.map(executionView);
      return mapAnswer(answer, () => ({ order: viewOf(entry), executions }));
    },
  });
}

export function executionsOperation(orders: Orders): Operation {
  return defineRead({
    id: "listExecutions",
    path: "/orders/{order_id}/executions",
    tag: TAG,
    summary: "List the fills of an order",
    description: `Oldest first, of the ${MAX_EXECUTIONS} newest; \`executionCount\` counts all. To read on, give \`next\` as \`after\`. ${EXACT}`,
    parameters: {
      order_id: orderIdPath,
      after: defaultedQuery(integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), 0, {
        description: "Start after the fill of this number.",
      }),
      limit: defaultedQuery(integer({ min: 1, max: MAX_EXECUTIONS }), PAGE.default, {
        description: "Fills in one answer.",
      }),
    },
    answers: {
      description: "Fills, oldest first.",
      properties: {
        orderId: { type: "string" },
        executionCount: { type: "integer", minimum: 0, description: "Fills that the order had." },
        executions: arrayOf(schemaRef("Execution")),
        next: { type: "integer", description: "Give it as `after` to read on. Absent: there are no more." },
      },
      optional: ["next"],
    },
    errors: ["not_found"],
    action: mayReadOrders,
    read({ values: { order_id, after, limit } }) {
      return mapAnswer(orders.read(order_id), ({ order: { orderId, executionCount, executions } }) => {
        const rest = executions.filter(({ number }) => number > after);
        const page = rest.slice(0, limit);
        const next = rest.length > limit ? page.at(-1)?.number : undefined;
        return { orderId, executionCount, executions: page.map(executionView), next };
      });
    },
  });
}

const viewOf = ({ state: { order, createdAt }, changedAt }: Entry<KnownOrder>) =>
  orderView(order, createdAt, changedAt);

/** The shortest of the lists that hold all that is asked for, as a rule. */
function groupOf({ decision_id, portfolio_id, instrument, state }: OrderFilter): string {
  if (decision_id !== undefined) return `d:${decision_id}`;
  if (portfolio_id !== undefined) return `p:${portfolio_id}`;
  if (instrument !== undefined) return `i:${instrument}`;
  return state?.length === 1 ? `s:${state[0]}` : ALL;
}

function isWanted({ state: { order }, changedAt }: Entry<KnownOrder>, filter: OrderFilter): boolean {
  return (
    (filter.state === undefined || filter.state.includes(order.state)) &&
    (filter.portfolio_id === undefined || filter.portfolio_id === order.portfolioId) &&
    (filter.instrument === undefined || filter.instrument === order.instrument) &&
    (filter.decision_id === undefined || filter.decision_id === order.decisionId) &&
    (filter.changed_from === undefined || changedAt >= filter.changed_from) &&
    (filter.changed_to === undefined || changedAt < filter.changed_to)
  );
}
