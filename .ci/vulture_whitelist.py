"""Code that is used from outside alone, and by whom; everything else that nothing calls is dead."""

_.isolation_level  # noqa: B018, F821 - read by sqlite3: no transaction of its own
_.autocommit  # noqa: B018, F821 - read by psycopg: a statement outside any transaction
_.down_revision  # noqa: B018, F821 - read by Alembic
_.Lang  # noqa: B018, F821 - written into the PDF's catalog by pikepdf
_.ViewerPreferences  # noqa: B018, F821 - written into the PDF's catalog by pikepdf
_.connection_made  # noqa: B018, F821 - called by asyncio
_.data_received  # noqa: B018, F821 - called by asyncio
_.connection_lost  # noqa: B018, F821 - called by asyncio
_.on_header  # noqa: B018, F821 - called by httptools, as are its siblings
_.send_400_response  # noqa: B018, F821 - called by uvicorn's protocol
_._unsupported_upgrade_warning  # noqa: B018, F821, SLF001 - called by uvicorn's protocol
_.keep_alive  # noqa: B018, F821 - read by uvicorn's protocol
msg  # noqa: B018, F821 - named by uvicorn's call
_.keep_subprocess_alive  # noqa: B018, F821 - called by uvicorn's supervisor
_.media_type  # noqa: B018, F821 - read by Starlette
_.background  # noqa: B018, F821 - read by FastAPI
_.register_extensions  # noqa: B018, F821 - called by pyHanko's signer
_.system_time  # noqa: B018, F821 - read by pyHanko's signing session
_._update_meta  # noqa: B018, F821, SLF001 - called by pyHanko's incremental writer
_._handle_id  # noqa: B018, F821, SLF001 - called by pyHanko's incremental writer
md_algorithm  # noqa: B018, F821 - named by pyHanko's call
_.compress_type  # noqa: B018, F821 - read by zipfile
_.create_system  # noqa: B018, F821 - read by zipfile
_.external_attr  # noqa: B018, F821 - read by zipfile
_.total_tokens  # noqa: B018, F821 - read by anyio
