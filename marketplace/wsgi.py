"""The WSGI application, for any server: `marketplace.wsgi:app`. Settings come from the environment."""

from marketplace import create_app
from marketplace.lifetime import end_with_parent, is_under_development

end_with_parent()
app = create_app()
if is_under_development():
    app.jinja_env.auto_reload = True
