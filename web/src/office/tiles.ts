/** Where the tile of each region stands, roughly as on the map: column and row; a region that is not here flows after. */
const TILES: Record<string, readonly [number, number]> = {
  "19": [3, 1],
  "19.05": [1, 1],
  "19.01": [2, 1],
  "19.04": [1, 2],
  "19.71": [2, 2],
  "19.03": [2, 3],
  "19.02": [3, 3],
  "19.06": [4, 3],
};

export function tile(region: string): { gridColumn: number; gridRow: number } | undefined {
  const found = TILES[region];
  return found && { gridColumn: found[0], gridRow: found[1] };
}
