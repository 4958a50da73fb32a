/** The working pages of offices: who has work there, and how each is loaded. */
import type { ComponentType } from "preact";
import type { Who } from "../session";

const FIELD = ["regency_officer", "province_staff", "operator"];
const PLANNERS = ["province_staff", "operator"];
const READERS = [...FIELD, "auditor"];

/** Rows are come to from their figures alone, and are not listed. */
export type Working = { to: string; roles: string[]; listed?: boolean; load: () => Promise<ComponentType> };

export const WORKING: Working[] = [
  { to: "/ganda", roles: READERS, load: () => import("../pages/duplicates").then((page) => page.default) },
  { to: "/siaran", roles: READERS, load: () => import("../pages/broadcasts").then((page) => page.default) },
  { to: "/alokasi", roles: READERS, load: () => import("../pages/allocation").then((page) => page.default) },
  { to: "/impor", roles: FIELD, load: () => import("../pages/imports").then((page) => page.default) },
  { to: "/produksi", roles: READERS, load: () => import("../pages/production").then((page) => page.default) },
  { to: "/sistem", roles: PLANNERS, load: () => import("../pages/system").then((page) => page.default) },
  { to: "/rincian", roles: READERS, listed: false, load: () => import("../pages/rows").then((page) => page.default) },
];

/** The pages on which somebody has work, as the overview lists them. */
export function workOf(who: Who | undefined): string[] {
  return WORKING.filter((one) => who && one.roles.includes(who.role) && one.listed !== false).map((one) => one.to);
}

/** Tells whether somebody checks figures alone: what single businesses have told is not shown to them. */
export function auditsOnly(who: Who | undefined): boolean {
  return who?.role === "auditor";
}

/** Tells whether somebody plans for the whole province: allocates, orders, announces. */
export function plans(who: Who | undefined): boolean {
  return who !== undefined && PLANNERS.includes(who.role);
}
