-- Master data have a file of their own; they come again with the first package.

DROP TABLE search;
DROP TABLE vocabulary;
DROP TABLE codes;
DROP TABLE products;
DROP TABLE stores;
DROP TABLE staff;
DROP TABLE customers;
DROP TABLE data_version;
