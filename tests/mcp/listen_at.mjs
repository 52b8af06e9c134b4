// SPDX-License-Identifier: Apache-2.0
// For node --import: examples that listen on a port of their own choice listen on PORT, on this machine alone.
import net from 'node:net';

const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (...given) {
    const done = given.filter((one) => typeof one === 'function');
    return listen.call(this, { port: Number(process.env.PORT), host: '127.0.0.1' }, ...done);
};
