"""Carries the mail of a container to a socket file, at which the post office of a test sits; runs in a container."""

import asyncio

PORT = 2525
POST_OFFICE = "/post/office"


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry bytes until one side has said all."""
    while some := await reader.read(65_536):
        writer.write(some)
        await writer.drain()
    writer.close()


async def lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Join a caller to the post office, in both directions."""
    try:
        inside, outside = await asyncio.open_unix_connection(POST_OFFICE)
    except OSError:  # nobody sits there yet: whoever sends comes again
        writer.close()
        return
    await asyncio.gather(carry(reader, outside), carry(inside, writer), return_exceptions=True)


async def main() -> None:
    """Lead callers until stopped."""
    async with await asyncio.start_server(lead, "0.0.0.0", PORT) as server:  # noqa: S104  in a network of its own
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
