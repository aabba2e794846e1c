"""The WSGI application, for any server: `marketplace.wsgi:app`. Settings come from the environment."""

import gc

from marketplace import create_app
from marketplace.lifetime import end_with_parent, is_under_development

end_with_parent()
app = create_app()
gc.collect()
gc.freeze()  # what is loaded by now stays; the collector need not go through it again and again
if is_under_development():
    app.jinja_env.auto_reload = True
