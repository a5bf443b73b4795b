/** The paths that publish. */
import { groupOf, publicationTarget } from "../../routing/events.ts";
import type { Topology } from "../../topology.ts";
import type { JsonObject } from "../json.ts";
import type { EventRequests } from "./events.ts";
import { cloudEventParameters, queryParameters, wrapperParameters } from "./options.ts";
import { problemResponses } from "./problems.ts";

export const ANY_EXCHANGE = "Any exchange";

const published = { "202": { $ref: "#/components/responses/published" } };

/** `POST /publish`. */
export function wrapperPath(content: JsonObject): JsonObject {
  return {
    post: {
      operationId: "publish",
      tags: [ANY_EXCHANGE],
      summary: "Publish a message to an exchange",
      description:
        "Answered once the broker has confirmed the message and a queue has it. The message goes on the wire as its bytes stand here.",
      parameters: wrapperParameters,
      requestBody: { required: true, content },
      responses: { ...published, ...problemResponses("wrapper") },
    },
  };
}

/** Every event that can be published by its name, sorted. */
export function publishedTypes({ exchanges }: Topology): readonly string[] {
  const listed = Object.values(exchanges).filter(({ internal }) => !internal);
  return [...new Set(listed.flatMap(({ events }) => events ?? []))].sort();
}

/** `POST /publish/{group or event}`, a path for each: a group before its events. */
export function publicationPaths(topology: Topology, requests: EventRequests): JsonObject {
  const types = publishedTypes(topology);
  const names = [...new Set(types.flatMap((type) => [groupOf(type), type]))].sort();
  return Object.fromEntries(
    names.map((name) => [
      `/publish/${encodeURIComponent(name)}`,
      { post: publication(topology, name, requests) },
    ]),
  );
}

function publication(topology: Topology, name: string, requests: EventRequests): JsonObject {
  const target = publicationTarget(topology, name) ?? new Map<string, string>();
  const types = [...target.keys()].sort();
  const isEvent = target.has(name);
  return {
    operationId: `publish.${name}`,
    tags: [groupOf(name)],
    summary: isEvent ? `Publish ${name}` : `Publish an event of the group ${name}`,
    description: isEvent
      ? eventText(topology, name, target.get(name) ?? "")
      : `${goesTo(target)} A CloudEvent in binary mode is taken as well, as it is described at each event.`,
    parameters: [...queryParameters, ...(isEvent ? cloudEventParameters : [])],
    requestBody: { required: true, content: requests.content(types) },
    responses: { ...published, ...problemResponses("publication") },
  };
}

function eventText({ events }: Topology, type: string, exchange: string): string {
  const { description = "" } = events[type]?.schema ?? {};
  return `${description}\n\nGoes to the exchange \`${exchange}\`; \`event_type\` may be left out.`.trim();
}

function goesTo(target: ReadonlyMap<string, string>): string {
  const exchanges = [...new Set(target.values())].sort().map((name) => `\`${name}\``);
  return `Goes to ${exchanges.join(" or ")}, with the event's type as routing key.`;
}

/** A tag for each group of events. */
export function publicationTags(topology: Topology): readonly JsonObject[] {
  const groups = [...new Set(publishedTypes(topology).map(groupOf))].sort();
  return groups.map((name) => ({ name, description: `Events of the group ${name}.` }));
}
