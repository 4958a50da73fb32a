/** The item that is chosen on the overview, for the figures that are loaded after it. */
import { createContext } from "preact";
import type { Item } from "../api";

export const Chosen = createContext<Item | undefined>(undefined);
