"""Rebuild all test data; nothing is printed unless something is wrong."""

from tests.support.testdata.admission import write_admission
from tests.support.testdata.cases import write_cases
from tests.support.testdata.demo import write_demo, write_shared
from tests.support.testdata.render import write_render

write_shared()
write_demo()
write_cases()
write_admission()
write_render()
