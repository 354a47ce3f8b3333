# make install: both libraries, public headers, the command, its man page,
# share/ with the chart script, and pkg-config files.
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

# The man page comes from the command's own table of verbs.
add_custom_command(TARGET setun-cli POST_BUILD
  COMMAND setun-cli man > ${CMAKE_BINARY_DIR}/setun.1
  COMMENT "Writing setun.1")
install(FILES ${CMAKE_BINARY_DIR}/setun.1
  DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
if(CHART_SCRIPT)
  install(FILES ${CHART_SCRIPT} DESTINATION ${CMAKE_INSTALL_DATADIR}/setun
    RENAME chart.min.js)
endif()
