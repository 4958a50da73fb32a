/** The addresses of the rows behind a figure. */

export function cardOf(place: string, item: string): string {
  return `/kartu?${new URLSearchParams({ tempat: place, barang: item })}`;
}

export function distributionsIn(region: string, item: string): string {
  return `/pembagian?${new URLSearchParams({ wilayah: region, barang: item })}`;
}
