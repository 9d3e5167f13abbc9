-- What is not yet applied at a target is found without reading all that ever was.

CREATE INDEX package_status_of_target ON package_status (target, status);
