"""Code that is used from outside alone, and by whom; everything else that nothing calls is dead."""

_.isolation_level  # noqa: B018, F821 - read by sqlite3: no transaction of its own
_.Lang  # noqa: B018, F821 - written into the PDF's catalog by pikepdf
_.ViewerPreferences  # noqa: B018, F821 - written into the PDF's catalog by pikepdf
_.register_extensions  # noqa: B018, F821 - called by pyHanko's signer
_.system_time  # noqa: B018, F821 - read by pyHanko's signing session
_._update_meta  # noqa: B018, F821, SLF001 - called by pyHanko's incremental writer
_._handle_id  # noqa: B018, F821, SLF001 - called by pyHanko's incremental writer
md_algorithm  # noqa: B018, F821 - named by pyHanko's call
_.compress_type  # noqa: B018, F821 - read by zipfile
_.create_system  # noqa: B018, F821 - read by zipfile
_.external_attr  # noqa: B018, F821 - read by zipfile
