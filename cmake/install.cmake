# make install: both libraries, public headers, the command, share/ and
# pkg-config files.
install(TARGETS setun setun-rt setun-cli
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY include/setun DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY share/setun DESTINATION ${CMAKE_INSTALL_DATADIR})
foreach(library setun setun-rt)
  configure_file(cmake/${library}.pc.in ${library}.pc @ONLY)
  install(FILES ${CMAKE_BINARY_DIR}/${library}.pc
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()
