"""The HTTP face of a session that ends: told here too, as no table is shared with the service that began it."""

from shared import ended_sessions
from shared.roles import Action
from shared.routes import Call, Routes
from shared.sessions import SessionOver

routes = Routes("/registration", tag="Signing out")


@routes.post("/sessions/end", allow=Action.SIGN_IN, status=200, session="ends_here")
async def end_registration_session(call: Call) -> SessionOver:
    """Let this service refuse the session of this browser from now on, whether or not it still counts."""
    await ended_sessions.end(call.work.session, call.session)
    return SessionOver(ended=True)
