/** Of AMQP 0-9-1: why a broker closed a channel, or a connection. @see https://www.rabbitmq.com/amqp-0-9-1-reference */
export const ACCESS_REFUSED = 403;
export const NOT_FOUND = 404;
export const RESOURCE_LOCKED = 405;
export const PRECONDITION_FAILED = 406;
export const INTERNAL_ERROR = 541;
