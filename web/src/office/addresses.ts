/** The addresses of the rows behind a figure. */

export function cardOf(place: string, item: string): string {
  return `/kartu?${new URLSearchParams({ tempat: place, barang: item })}`;
}

export function distributionsIn(region: string, item: string): string {
  return `/pembagian?${new URLSearchParams({ wilayah: region, barang: item })}`;
}

/** The rows of a kind behind a figure, narrowed as the figure is. */
export function rowsOf(kind: "needs" | "closed" | "prices" | "enrolments" | "deliveries" | "story", narrowed: Record<string, string>): string {
  return `/rincian?${new URLSearchParams({ jenis: kind, ...narrowed })}`;
}
