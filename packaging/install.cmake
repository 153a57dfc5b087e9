# What `cmake --install` puts where, beside the program: its manual pages, its completion, and the helper by which
# mount(8) finds the type smb3fuse.
include(GNUInstallDirs)

# mount(8) looks for helpers in /sbin alone, whatever the prefix. An install into a prefix of one's own (a home, a
# staging folder) keeps to that prefix.
if(CMAKE_INSTALL_PREFIX MATCHES "^/usr(/local)?/?$")
  if(IS_SYMLINK /sbin)
    set(mount_helper_default /usr/sbin)
  else()
    set(mount_helper_default /sbin)
  endif()
else()
  set(mount_helper_default ${CMAKE_INSTALL_FULL_SBINDIR})
endif()
set(SMB3FUSE_MOUNT_HELPER_DIR ${mount_helper_default} CACHE PATH "Where mount(8) finds mount.smb3fuse")
unset(mount_helper_default)

install(TARGETS smb3fuse RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES packaging/smb3fuse.8 packaging/mount.smb3fuse.8 DESTINATION ${CMAKE_INSTALL_MANDIR}/man8)
install(FILES packaging/completions/smb3fuse DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(CODE "
  set(folder \"\$ENV{DESTDIR}${SMB3FUSE_MOUNT_HELPER_DIR}\")
  message(STATUS \"Installing: \${folder}/mount.smb3fuse\")
  file(MAKE_DIRECTORY \"\${folder}\")
  file(CREATE_LINK \"${CMAKE_INSTALL_FULL_BINDIR}/smb3fuse\" \"\${folder}/mount.smb3fuse\" SYMBOLIC)
  list(APPEND CMAKE_INSTALL_MANIFEST_FILES \"${SMB3FUSE_MOUNT_HELPER_DIR}/mount.smb3fuse\")")
